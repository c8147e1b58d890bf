%% Supervisors made from a scenario.
-module(trees_supervisor).
-behaviour(supervisor).
-export([start_link/2, child/2, init/1]).

%% A period in which no restart is forgotten.
-define(PERIOD, 3600).

start_link(World, Spec) ->
    supervisor:start_link(?MODULE, {World, Spec}).

child(World, {worker, Name, Restart, Shutdown, _, _, _} = Spec) ->
    #{id => Name, start => {trees_worker, start_link, [World, Spec]}, restart => Restart, shutdown => Shutdown};
child(World, {supervisor, Name, _, _, Restart, Shutdown, _} = Spec) ->
    supervisor_child(World, Name, Restart, Shutdown, Spec);
child(World, {dynamic, Name, _, Restart, Shutdown, _, _} = Spec) ->
    supervisor_child(World, Name, Restart, Shutdown, Spec).

supervisor_child(World, Name, Restart, Shutdown, Spec) ->
    #{id => Name, start => {?MODULE, start_link, [World, Spec]}, restart => Restart, shutdown => Shutdown,
      type => supervisor}.

init({World, {supervisor, Name, Strategy, Intensity, _, _, Children}}) ->
    begins(World, Name),
    {ok, {flags(Strategy, Intensity), [child(World, Child) || Child <- Children]}};
init({World, {dynamic, Name, Intensity, _, _, Restart, Shutdown}}) ->
    begins(World, Name),
    Template = #{id => child, start => {trees_worker, start_link, [World]}, restart => Restart, shutdown => Shutdown},
    {ok, {flags(simple_one_for_one, Intensity), [Template]}}.

begins(World, Name) ->
    Nth = trees_world:enter(World, Name),
    trees_world:note(World, "~p#~b begins", [Name, Nth]).

flags(Strategy, Intensity) ->
    #{strategy => Strategy, intensity => Intensity, period => ?PERIOD}.
