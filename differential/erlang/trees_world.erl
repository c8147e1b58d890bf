%% Who is in a tree: every process is known by its name and how often it was started, and watched to its end.
-module(trees_world).
-export([new/1, enter/2, note/3, living/2, last/2, badge/2, alive/1, await_gone/2]).

%% A world is its table, its journal and its observer.
new(Journal) ->
    Table = ets:new(world, [public]),
    Observer = spawn_link(fun() -> observe(Table, Journal, #{}) end),
    {Table, Journal, Observer}.

%% A process says who it is, before it does anything else: the how-manieth of its name.
enter({Table, _, Observer}, Name) ->
    Nth = ets:update_counter(Table, {starts, Name}, 1, {{starts, Name}, 0}),
    Badge = io_lib:format("~p#~b", [Name, Nth]),
    ets:insert(Table, [{{last, Name}, self()}, {{badge, self()}, Badge}, {{alive, self()}}]),
    ask(Observer, {watch, self(), Badge}),
    Nth.

note({_, Journal, _}, Format, Arguments) ->
    journal:note(Journal, Format, Arguments).

%% Who runs under a name, if somebody does.
living({Table, _, _}, Name) ->
    case ets:lookup(Table, {last, Name}) of
        [{_, Pid}] -> case ets:member(Table, {alive, Pid}) of true -> Pid; false -> none end;
        [] -> none
    end.

last({Table, _, _}, Name) ->
    case ets:lookup(Table, {last, Name}) of
        [{_, Pid}] -> Pid;
        [] -> none
    end.

badge({Table, _, _}, Pid) ->
    case ets:lookup(Table, {badge, Pid}) of
        [{_, Badge}] -> Badge;
        [] -> "a stranger"
    end.

%% Everybody whose end has not been noted, sorted.
alive({Table, _, _}) ->
    lists:sort([Pid || [Pid] <- ets:match(Table, {{alive, '$1'}})]).

%% Waits until the end of a process has been noted.
await_gone({_, _, Observer}, Pid) ->
    ask(Observer, {await_gone, Pid}).

ask(Observer, Question) ->
    Monitor = monitor(process, Observer),
    Observer ! {self(), Monitor, Question},
    receive
        {Monitor, ok} -> demonitor(Monitor, [flush]), ok;
        {'DOWN', Monitor, process, _, Reason} -> exit(Reason)
    end.

%% Whom it watches, by monitor.
observe(Table, Journal, Watched) ->
    receive
        {From, Ref, {watch, Pid, Badge}} ->
            Monitor = monitor(process, Pid),
            From ! {Ref, ok},
            observe(Table, Journal, Watched#{Monitor => Badge});
        {From, Ref, {await_gone, Pid}} ->
            case ets:member(Table, {alive, Pid}) of
                true -> spawn(fun() -> wait(Table, From, Ref, Pid) end);
                false -> From ! {Ref, ok}
            end,
            observe(Table, Journal, Watched);
        {'DOWN', Monitor, process, Pid, Reason} ->
            {Badge, Others} = maps:take(Monitor, Watched),
            journal:note(Journal, "~s down ~s", [Badge, words:reason(Reason)]),
            ets:delete(Table, {alive, Pid}),
            observe(Table, Journal, Others)
    end.

wait(Table, From, Ref, Pid) ->
    case ets:member(Table, {alive, Pid}) of
        true -> erlang:yield(), wait(Table, From, Ref, Pid);
        false -> From ! {Ref, ok}
    end.
