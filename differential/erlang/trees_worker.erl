%% A worker that does what its scenario says.
-module(trees_worker).
-behaviour(gen_server).
-export([start_link/2, gate/1, gate/2]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).

start_link(World, {gate, Player}) ->
    gate(World, Player);
start_link(World, Spec) ->
    gen_server:start_link(?MODULE, {World, Spec}, []).

%% A child whose start keeps its supervisor busy until it is let go, and then comes to nothing.
gate(_World, Player) ->
    gate(Player).

gate(Player) ->
    gen_server:start_link(?MODULE, {gate, Player}, []).

init({gate, Player}) ->
    Player ! {entered, self()},
    receive opened -> ignore end;
init({World, {worker, Name, _, _, Starts, Traps, _} = Spec}) ->
    process_flag(trap_exit, Traps),
    Nth = trees_world:enter(World, Name),
    case outcome(Nth, Starts) of
        up -> note(World, Name, Nth, "up"), {ok, {World, Spec, Nth}};
        fails -> note(World, Name, Nth, "fails"), {stop, boom};
        panics -> note(World, Name, Nth, "panics"), error(panicked);
        ignores -> note(World, Name, Nth, "ignores"), ignore
    end.

outcome(Nth, Starts) when Nth =< length(Starts) -> lists:nth(Nth, Starts);
outcome(_, _) -> up.

handle_call(sync, _From, State) ->
    {reply, ok, State}.

handle_cast({finish, Reason}, State) ->
    {stop, Reason, State};
handle_cast(panic, _State) ->
    error(panicked).

handle_info({'EXIT', _From, Reason}, {World, {worker, Name, _, _, _, _, _}, Nth} = State) ->
    note(World, Name, Nth, ["exited ", words:reason(Reason)]),
    {noreply, State}.

terminate(Reason, {World, {worker, Name, _, _, _, _, Farewell}, Nth}) ->
    note(World, Name, Nth, ["terminate ", words:reason(Reason)]),
    case Farewell of
        hangs when Reason =:= shutdown -> receive never -> ok end;
        panics -> error(panicked);
        _ -> ok
    end.

note(World, Name, Nth, What) ->
    trees_world:note(World, "~p#~b ~s", [Name, Nth, What]).
