%% A tree played on the BEAM; src/trees/stage.rs does the same on Throng, and says when all is quiet.
-module(trees).
-export([play/2]).

play({{supervisor, Top, _, _, _, _, _} = Tree, Steps}, Journal) ->
    World = trees_world:new(Journal),
    journal:step(Journal, 0),
    Parent = spawn(fun() -> process_flag(trap_exit, true), parent() end),
    Parent ! {start, self(), World, Tree},
    receive
        {started, {ok, Pid}} -> journal:note(Journal, "= ok ~s", [trees_world:badge(World, Pid)]);
        {started, {error, Why}} -> journal:note(Journal, "= error ~s", [words:failure(Why)])
    end,
    quiet(World, Top),
    lists:foldl(fun(Step, At) ->
        journal:step(Journal, At),
        take(Step, World, Parent),
        quiet(World, Top),
        At + 1
    end, 1, Steps),
    exit(Parent, kill),
    await_end(Parent),
    quiet(World, Top).

%% Whoever starts the tree.
parent() ->
    receive
        {start, From, World, Tree} -> From ! {started, trees_supervisor:start_link(World, Tree)}, parent();
        {finish, Reason} -> exit(Reason);
        {'EXIT', _, _} -> parent()
    end.

await_end(Pid) ->
    Monitor = monitor(process, Pid),
    receive {'DOWN', Monitor, process, Pid, _} -> ok end.

take({finish, Name, Reason}, World, _) ->
    with(World, Name, fun(Pid) -> gen_server:cast(Pid, {finish, Reason}), settle(World, Pid) end);
take({panic, Name}, World, _) ->
    with(World, Name, fun(Pid) -> gen_server:cast(Pid, panic), settle(World, Pid) end);
take({exit, Name, Reason}, World, _) ->
    with(World, Name, fun(Pid) -> exit(Pid, Reason), settle(World, Pid) end);
take({ask, Name, Request}, World, _) ->
    with(World, Name, fun(Pid) ->
        note(World, answered(World, Name, Request, sent(World, Name, Pid, Request)))
    end);
take({busy, Name, Deeds}, World, _) ->
    with(World, Name, fun(Pid) -> busy(World, Name, Pid, Deeds) end);
take({stop, Name, Reason}, World, _) ->
    with(World, Name, fun(Pid) ->
        try gen_server:stop(Pid, Reason, infinity) of
            ok -> note(World, "= ok")
        catch
            exit:{noproc, _} -> note(World, "= noproc");
            exit:noproc -> note(World, "= noproc");
            exit:{Actual, {sys, terminate, _}} -> note(World, ["= ended ", words:reason(Actual)]);
            exit:Actual -> note(World, ["= ended ", words:reason(Actual)])
        end,
        trees_world:await_gone(World, Pid)
    end);
take({parent_exit, Reason}, _World, Parent) ->
    Parent ! {finish, Reason},
    await_end(Parent).

with(World, Name, Do) ->
    case trees_world:living(World, Name) of
        none -> trees_world:note(World, "~p is not there", [Name]);
        Pid -> Do(Pid)
    end.

note(World, Line) ->
    trees_world:note(World, "~s", [Line]).

%% Waits until a process has dealt with what it was sent; if it ended over it, until that was noted.
settle(World, Pid) ->
    Question = case is_worker(World, Pid) of true -> sync; false -> which_children end,
    try gen_server:call(Pid, Question, infinity)
    catch exit:_ -> trees_world:await_gone(World, Pid)
    end.

is_worker(World, Pid) ->
    hd(lists:flatten(trees_world:badge(World, Pid))) =:= $w.

%% Does several things while a supervisor is kept busy by the start of a child.
busy(World, Name, Pid, Deeds) ->
    Gate = case is_dynamic(Name) of
        true -> [{gate, self()}];
        false -> #{id => gate, start => {trees_worker, gate, [self()]}, restart => temporary}
    end,
    Start = gen_server:send_request(Pid, {start_child, Gate}),
    Entered = receive
        {entered, Process} -> Process;
        %% The supervisor is gone: its request tells so by its monitor.
        {'DOWN', _, process, Pid, _} -> none
    end,
    case Entered of
        none -> note(World, "= not busy");
        _ ->
            Requests = lists:flatmap(fun(Deed) -> deed(Deed, World, Name, Pid) end, Deeds),
            Entered ! opened,
            gen_server:receive_response(Start, infinity),
            [note(World, answered(World, Name, Request, Sent)) || {Request, Sent} <- Requests]
    end.

deed({kill, Child}, World, _, _) ->
    with(World, Child, fun(Pid) -> exit(Pid, kill), trees_world:await_gone(World, Pid) end),
    [];
deed({finish, Child, Reason}, World, _, _) ->
    take({finish, Child, Reason}, World, none),
    [];
deed({ask, Request}, World, Name, Pid) ->
    [{Request, sent(World, Name, Pid, Request)}].

is_dynamic(Name) ->
    hd(atom_to_list(Name)) =:= $d.

%% A request on its way.
sent(World, Name, Pid, Request) ->
    case {message(World, is_dynamic(Name), Request), is_dynamic(Name)} of
        {none, _} -> none;
        {Message, _} -> gen_server:send_request(Pid, Message)
    end.

message(_, _, which) -> which_children;
message(_, _, count) -> count_children;
message(_, true, {start, Spec}) -> {start_child, [Spec]};
message(World, true, {terminate, Child}) ->
    case trees_world:last(World, Child) of
        none -> none;
        Pid -> {terminate_child, Pid}
    end;
message(World, false, {start, Spec}) -> {start_child, trees_supervisor:child(World, Spec)};
message(_, false, {terminate, Child}) -> {terminate_child, Child};
message(_, false, {restart, Child}) -> {restart_child, Child};
message(_, false, {delete, Child}) -> {delete_child, Child}.

answered(_, _, _, none) ->
    "= never started";
answered(World, Name, Request, Sent) ->
    case gen_server:receive_response(Sent, infinity) of
        {reply, Reply} -> reply(World, is_dynamic(Name), Request, Reply);
        {error, {Reason, _}} -> ["= no answer: ", words:reason(Reason)]
    end.

reply(World, IsDynamic, which, Children) ->
    Lines = [io_lib:format("~p ~s ~p", [id(Id), status(World, Status), Type]) || {Id, Status, Type, _} <- Children],
    ["= [", lists:join(", ", case IsDynamic of true -> lists:sort(fun by_text/2, Lines); false -> Lines end), "]"];
reply(_, _, count, Counts) ->
    Values = [proplists:get_value(Key, Counts) || Key <- [specs, active, supervisors, workers]],
    io_lib:format("= specs ~b active ~b supervisors ~b workers ~b", Values);
reply(_, _, _, ok) -> "= ok";
reply(_, _, _, {ok, undefined}) -> "= ignored";
reply(World, _, _, {ok, Pid}) -> ["= ok ", trees_world:badge(World, Pid)];
reply(World, _, _, {error, {already_started, Pid}}) -> ["= already_started ", trees_world:badge(World, Pid)];
reply(_, _, _, {error, Refused})
  when Refused =:= already_present; Refused =:= running; Refused =:= restarting; Refused =:= not_found ->
    ["= ", atom_to_list(Refused)];
reply(_, _, _, {error, Why}) -> ["= error ", words:failure(Why)].

%% A child of a dynamic supervisor has no id.
id(undefined) -> child;
id(Id) -> Id.

by_text(One, Other) -> lists:flatten(One) =< lists:flatten(Other).

status(World, Pid) when is_pid(Pid) -> trees_world:badge(World, Pid);
status(_, Status) -> atom_to_list(Status).

quiet(World, Top) ->
    Met = case trees_world:living(World, Top) of
        none -> [];
        Pid -> walk(World, Pid)
    end,
    case Met =/= busy andalso lists:sort(Met) =:= trees_world:alive(World) of
        true -> ok;
        false -> erlang:yield(), quiet(World, Top)
    end.

%% Everybody from here down; busy when somebody is being restarted or has gone meanwhile.
walk(World, Pid) ->
    case is_worker(World, Pid) of
        true -> [Pid];
        false ->
            try supervisor:which_children(Pid) of
                Children -> walk_children(World, [Child || {_, Child, _, _} <- Children], [Pid])
            catch exit:_ -> busy
            end
    end.

walk_children(_, [], Met) -> Met;
walk_children(World, [undefined | Children], Met) -> walk_children(World, Children, Met);
walk_children(_, [restarting | _], _) -> busy;
walk_children(World, [Child | Children], Met) ->
    case walk(World, Child) of
        busy -> busy;
        More -> walk_children(World, Children, More ++ Met)
    end.
