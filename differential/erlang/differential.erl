%% Plays scenarios, one after the other, and writes their journals.
-module(differential).
-export([main/1]).

%% A scenario that has not become quiet by then never will.
-define(LIMIT, 30000).

main([Scenarios, Journals]) ->
    logger:set_primary_config(level, none),
    {ok, Terms} = file:consult(Scenarios),
    {ok, File} = file:open(Journals, [write, delayed_write]),
    lists:foreach(fun(Term) -> write(File, play(Term)) end, Terms),
    ok = file:close(File),
    halt(0).

play({Module, Scenario}) ->
    Journal = journal:new(),
    {Player, Monitor} = spawn_monitor(fun() -> Module:play(Scenario, Journal) end),
    receive
        {'DOWN', Monitor, process, Player, normal} -> ok;
        {'DOWN', Monitor, process, Player, Reason} -> journal:note(Journal, "the player crashed: ~0p", [Reason])
    after ?LIMIT ->
        journal:note(Journal, "not quiet in time", []),
        exit(Player, kill)
    end,
    journal:lines(Journal).

write(File, Lines) ->
    ok = file:write(File, ["scenario\n" | [[Line, $\n] || Line <- Lines]]).
