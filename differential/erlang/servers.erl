%% Steps played on the BEAM; src/servers/stage.rs does the same on Throng.
-module(servers).
-export([play/2]).

%% What is too short on purpose.
-define(SHORT, 10).
-define(NAMES, [a, b, c]).

%% Calls that are not answered, oldest first.
-record(stage, {table, journal, observer, parent, calls = []}).

play(Steps, Journal) ->
    Table = ets:new(servers, [public]),
    Observer = spawn_link(fun() -> observe(Table, Journal, #{}) end),
    Stage = #stage{table = Table, journal = Journal, observer = Observer, parent = parent()},
    {Last, _} = lists:foldl(fun(Step, {Before, At}) ->
        journal:step(Journal, At),
        {settle(take(Step, Before)), At + 1}
    end, {Stage, 0}, Steps),
    %% The next scenario needs the names. Nobody notes what comes after.
    unlink(Observer),
    end_at_once(Observer),
    unlink(Last#stage.parent),
    [end_at_once(Pid) || Name <- ?NAMES, Pid <- [whereis(Name)], Pid =/= undefined],
    end_at_once(Last#stage.parent).

end_at_once(Pid) ->
    Monitor = monitor(process, Pid),
    exit(Pid, kill),
    receive {'DOWN', Monitor, process, _, _} -> ok end.

observe(Table, Journal, Watched) ->
    receive
        {watch, From, Name, Pid} ->
            Monitor = monitor(process, Pid),
            From ! {watching, Pid},
            observe(Table, Journal, Watched#{Monitor => Name});
        {'DOWN', Monitor, process, Pid, Reason} ->
            journal:note(Journal, "~p down ~s", [maps:get(Monitor, Watched), words:reason(Reason)]),
            ets:insert(Table, {{gone, Pid}}),
            observe(Table, Journal, Watched)
    end.

%% Whoever starts the linked servers.
parent() ->
    spawn(fun() -> process_flag(trap_exit, true), parent_loop() end).

parent_loop() ->
    receive
        {start, From, Arguments, Options} ->
            [Name, Spec, Player] = Arguments,
            From ! {started, gen_server:start_link({local, Name}, server, {Name, Spec, Player}, Options)},
            parent_loop();
        {finish, Reason} -> exit(Reason);
        {'EXIT', _, _} -> parent_loop()
    end.

note(#stage{journal = Journal}, Format, Arguments) ->
    journal:note(Journal, Format, Arguments).

take({start, Name, {Linked, Traps, Init, _} = Spec}, Stage) ->
    Options = case Init of hangs -> [{timeout, ?SHORT}]; _ -> [] end,
    Player = {self(), Stage#stage.journal},
    Started = case Linked of
        true ->
            Stage#stage.parent ! {start, self(), [Name, Spec, Player], Options},
            receive {started, Result} -> Result end;
        false ->
            gen_server:start({local, Name}, server, {Name, Spec, Player}, Options)
    end,
    case Started of
        {ok, Pid} ->
            note(Stage, "= ok", []),
            ets:insert(Stage#stage.table, [{{last, Name}, Pid}, {{traps, Pid}, Traps}]),
            Stage#stage.observer ! {watch, self(), Name, Pid},
            receive {watching, Pid} -> ok end;
        ignore -> note(Stage, "= ignored", []);
        {error, timeout} ->
            note(Stage, "= error timeout", []),
            %% G4: the process that was given up is killed, and may be about to end; Throng's start waits until it is gone.
            await_free(Name);
        {error, Why} -> note(Stage, "= error ~s", [words:failure(Why)])
    end,
    there(Stage, Name);
take({send, Name, Item}, Stage) ->
    with(Stage, Name, fun(Pid) -> send(Item, Pid, Stage) end);
take({queue, Name, Items, Then}, Stage) ->
    with(Stage, Name, fun(Pid) ->
        gen_server:cast(Pid, {work, Then}),
        receive {begun, Pid} -> ok end,
        Sent = lists:foldl(fun(Item, Before) -> obeyed(Item, Pid, send(Item, Pid, Before)) end, Stage, Items),
        Pid ! over,
        case {Then, Items} of
            {idles, []} -> receive {idle, Pid} -> ok end;
            _ -> ok
        end,
        Sent
    end);
take({idle, Name}, Stage) ->
    with(Stage, Name, fun(Pid) ->
        gen_server:cast(Pid, be_idle),
        receive {idle, Pid} -> Stage end
    end);
take({late, Name}, Stage) ->
    with(Stage, Name, fun(Pid) ->
        try gen_server:call(Pid, {defer, 0}, ?SHORT) of
            Answer -> note(Stage, "= call 0: answer ~b", [Answer])
        catch
            exit:Reason -> note(Stage, "= call 0: ~s", [words:call_failure(Reason)])
        end,
        gen_server:cast(Pid, answer),
        Stage
    end);
take({calls_itself, Name}, Stage) ->
    with(Stage, Name, fun(Pid) -> gen_server:cast(Pid, call_yourself), Stage end);
take({stop, Name, Reason}, Stage) ->
    try gen_server:stop(Name, Reason, infinity) of
        ok -> note(Stage, "= ok", [])
    catch
        exit:noproc -> note(Stage, "= noproc", []);
        exit:{noproc, _} -> note(Stage, "= noproc", []);
        exit:{Actual, {sys, terminate, _}} -> note(Stage, "= ended ~s", [words:reason(Actual)]);
        exit:Actual -> note(Stage, "= ended ~s", [words:reason(Actual)])
    end,
    case last(Stage, Name) of
        none -> ok;
        Pid -> await_gone(Stage, Pid)
    end,
    Stage;
take({whereis, Name}, Stage) ->
    there(Stage, Name);
take({parent_exit, Reason}, #stage{parent = Parent} = Stage) ->
    Monitor = monitor(process, Parent),
    Parent ! {finish, Reason},
    receive {'DOWN', Monitor, process, Parent, _} -> ok end,
    Stage#stage{parent = parent()}.

await_free(Name) ->
    case whereis(Name) of
        undefined -> ok;
        _ -> erlang:yield(), await_free(Name)
    end.

there(Stage, Name) ->
    note(Stage, case whereis(Name) of undefined -> "= not there"; _ -> "= there" end, []),
    Stage.

with(Stage, Name, Do) ->
    case living(Stage, Name) of
        none -> note(Stage, "= ~p is not there", [Name]), Stage;
        Pid -> Do(Pid)
    end.

last(#stage{table = Table}, Name) ->
    case ets:lookup(Table, {last, Name}) of
        [{_, Pid}] -> Pid;
        [] -> none
    end.

living(Stage, Name) ->
    case last(Stage, Name) of
        none -> none;
        Pid -> case is_gone(Stage, Pid) of true -> none; false -> Pid end
    end.

is_gone(#stage{table = Table}, Pid) -> ets:member(Table, {gone, Pid}).

await_gone(Stage, Pid) ->
    case is_gone(Stage, Pid) of
        true -> ok;
        false -> erlang:yield(), await_gone(Stage, Pid)
    end.

send({cast, _} = Item, Pid, Stage) -> gen_server:cast(Pid, Item), Stage;
send({call, Number} = Item, Pid, Stage) -> call(Item, Number, Pid, Stage);
send({defer, Number} = Item, Pid, Stage) -> call(Item, Number, Pid, Stage);
send({call_stop, Number, _, _} = Item, Pid, Stage) -> call(Item, Number, Pid, Stage);
send({call_panic, Number} = Item, Pid, Stage) -> call(Item, Number, Pid, Stage);
send(answer, Pid, Stage) -> gen_server:cast(Pid, answer), Stage;
send({cast_stop, _} = Item, Pid, Stage) -> gen_server:cast(Pid, Item), Stage;
send(cast_panic, Pid, Stage) -> gen_server:cast(Pid, cast_panic), Stage;
send({exit, Reason}, Pid, Stage) -> exit(Pid, Reason), Stage;
%% What sys:terminate/2 sends, without waiting.
send({stop, Reason}, Pid, Stage) -> Pid ! {system, {self(), make_ref()}, {terminate, Reason}}, Stage.

call(Item, Number, Pid, #stage{calls = Calls} = Stage) ->
    Stage#stage{calls = Calls ++ [{Pid, Number, gen_server:send_request(Pid, Item)}]}.

%% A request that ends the server does so at once; what is sent afterwards is to find it gone.
obeyed({exit, Reason}, Pid, Stage) ->
    Traps = ets:lookup_element(Stage#stage.table, {traps, Pid}, 2),
    case Reason =:= kill orelse (not Traps andalso Reason =/= normal) of
        true -> await_gone(Stage, Pid);
        false -> ok
    end,
    Stage;
obeyed(_, _, Stage) ->
    Stage.

settle(Stage) ->
    [settle(Stage, Pid) || Name <- ?NAMES, Pid <- [living(Stage, Name)], Pid =/= none],
    Left = lists:filter(fun(Call) -> not answered(Stage, Call) end, Stage#stage.calls),
    Stage#stage{calls = Left}.

settle(Stage, Pid) ->
    try gen_server:call(Pid, sync, infinity)
    catch exit:_ -> await_gone(Stage, Pid)
    end.

%% Whoever is gone has told, or is about to.
answered(Stage, {Pid, Number, Request}) ->
    Patience = case is_gone(Stage, Pid) of true -> infinity; false -> 0 end,
    case gen_server:wait_response(Request, Patience) of
        timeout -> false;
        {reply, Answer} -> note(Stage, "= call ~b: answer ~b", [Number, Answer]), true;
        {error, {Reason, _}} -> note(Stage, "= call ~b: ~s", [Number, words:reason(Reason)]), true
    end.
