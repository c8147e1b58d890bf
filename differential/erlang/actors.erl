%% Turns played on the BEAM; src/actors/stage.rs does the same on Throng, and says when all is quiet.
-module(actors).
-export([play/2]).

-record(actor, {cast, name, monitors = #{}, outstanding = #{}, ended = []}).

play({Actors, Turns}, Journal) ->
    journal:step(Journal, 0),
    Table = ets:new(cast, [public]),
    Cast = {Table, Journal},
    Observer = spawn_link(fun() -> observe(Cast, #{}) end),
    Names = [begin start(Cast, Observer, Name, Traps), Name end || {Name, Traps} <- Actors],
    lists:foldl(fun({Name, Acts}, At) ->
        journal:step(Journal, At),
        case is_gone(Cast, Name) of
            true -> journal:note(Journal, "~p is not there", [Name]);
            false -> ask(Cast, Name, {play, Acts})
        end,
        rounds(Cast, Names),
        At + 1
    end, 1, Turns).

start({Table, _} = Cast, Observer, Name, Traps) ->
    Player = self(),
    Pid = spawn(fun() ->
        process_flag(trap_exit, Traps),
        Player ! {started, self()},
        loop(#actor{cast = Cast, name = Name})
    end),
    receive {started, Pid} -> ok end,
    ets:insert(Table, [{{pid, Name}, Pid}, {{name, Pid}, Name}]),
    Observer ! {watch, self(), Name, Pid},
    receive {watching, Pid} -> ok end.

observe({Table, Journal} = Cast, Watched) ->
    receive
        {watch, From, Name, Pid} ->
            Monitor = monitor(process, Pid),
            From ! {watching, Pid},
            observe(Cast, Watched#{Monitor => Name});
        {'DOWN', Monitor, process, _, Reason} ->
            Name = maps:get(Monitor, Watched),
            journal:note(Journal, "~p ended ~s", [Name, words:reason(Reason)]),
            ets:insert(Table, {{gone, Name}}),
            observe(Cast, Watched)
    end.

pid({Table, _}, Name) -> ets:lookup_element(Table, {pid, Name}, 2).

name({Table, _}, Pid) ->
    case ets:lookup(Table, {name, Pid}) of
        [{_, Name}] -> atom_to_list(Name);
        [] -> "a stranger"
    end.

is_gone({Table, _}, Name) -> ets:member(Table, {gone, Name}).

await_gone(Cast, Name) ->
    case is_gone(Cast, Name) of
        true -> gone;
        false -> erlang:yield(), await_gone(Cast, Name)
    end.

%% Its answer; gone if it ended instead.
ask(Cast, Name, Question) ->
    Pid = pid(Cast, Name),
    Monitor = monitor(process, Pid),
    Pid ! {Question, self(), Monitor},
    receive
        {Monitor, Answer} -> demonitor(Monitor, [flush]), Answer;
        {'DOWN', Monitor, process, _, _} -> await_gone(Cast, Name)
    end.

rounds(Cast, Names) ->
    Alive = [Name || Name <- Names, not is_gone(Cast, Name)],
    Answers = [ask(Cast, Name, outstanding) || Name <- Alive],
    Outstanding = lists:append([Answer || Answer <- Answers, is_list(Answer)]),
    case lists:any(fun(Name) -> is_gone(Cast, Name) end, Alive ++ Outstanding) of
        true -> rounds(Cast, Names);
        false -> ok
    end.

loop(Actor) ->
    receive
        {{play, Acts}, From, Ref} ->
            After = lists:foldl(fun do/2, Actor, Acts),
            From ! {Ref, done},
            loop(After);
        {outstanding, From, Ref} ->
            From ! {Ref, maps:values(Actor#actor.outstanding)},
            loop(Actor);
        {finish, Reason} ->
            exit(Reason);
        {message, From, Number} ->
            Late = case lists:member(From, Actor#actor.ended) of true -> ", after its end"; false -> "" end,
            note(Actor, "< ~p: message ~b~s", [From, Number, Late]),
            loop(Actor);
        {'EXIT', Pid, Reason} ->
            note(Actor, "< ~s: exited ~s", [name(Actor#actor.cast, Pid), words:reason(Reason)]),
            loop(Actor);
        {'DOWN', Monitor, process, Pid, Reason} ->
            Name = name(Actor#actor.cast, Pid),
            [Number] = [Number || {Number, Known} <- maps:to_list(Actor#actor.monitors), Known =:= Monitor],
            note(Actor, "< ~s: down ~b ~s", [Name, Number, words:reason(Reason)]),
            Outstanding = maps:remove(Number, Actor#actor.outstanding),
            loop(Actor#actor{outstanding = Outstanding, ended = [list_to_atom(Name) | Actor#actor.ended]})
    end.

do({link, Peer}, Actor) ->
    Pid = pid(Actor#actor.cast, Peer),
    Linked = try link(Pid) of
        %% P12: who traps exits is told by a message that there is nobody; Throng's link says so itself.
        true -> receive {'EXIT', Pid, noproc} -> noproc after 0 -> ok end
    catch
        error:noproc -> noproc
    end,
    note(Actor, "link ~p: ~p", [Peer, Linked]),
    Actor;
do({unlink, Peer}, Actor) ->
    unlink(pid(Actor#actor.cast, Peer)),
    Actor;
do({unlink_flush, Peer}, Actor) ->
    Pid = pid(Actor#actor.cast, Peer),
    unlink(Pid),
    receive {'EXIT', Pid, _} -> ok after 0 -> ok end,
    Actor;
do({monitor, Peer, Number}, #actor{monitors = Monitors, outstanding = Outstanding} = Actor) ->
    Monitor = monitor(process, pid(Actor#actor.cast, Peer)),
    Actor#actor{monitors = Monitors#{Number => Monitor}, outstanding = Outstanding#{Number => Peer}};
do({demonitor, Number}, Actor) ->
    demonitor(Number, [info], Actor);
do({demonitor_flush, Number}, Actor) ->
    demonitor(Number, [info, flush], Actor);
do({send, Peer, Number}, Actor) ->
    pid(Actor#actor.cast, Peer) ! {message, Actor#actor.name, Number},
    Actor;
do({'end', Peer, Reason}, Actor) ->
    Pid = pid(Actor#actor.cast, Peer),
    Monitor = monitor(process, Pid),
    Pid ! {finish, Reason},
    receive {'DOWN', Monitor, process, _, _} -> Actor end;
do({exit, Peer, Reason}, Actor) ->
    exit(pid(Actor#actor.cast, Peer), Reason),
    Actor;
do({stop, Reason}, _) ->
    exit(Reason);
do(panic, _) ->
    error(panicked).

demonitor(Number, Options, #actor{monitors = Monitors, outstanding = Outstanding} = Actor) ->
    case Monitors of
        #{Number := Monitor} ->
            WasActive = erlang:demonitor(Monitor, Options),
            note(Actor, "demonitor ~b: ~p", [Number, WasActive]),
            case WasActive orelse lists:member(flush, Options) of
                true -> Actor#actor{outstanding = maps:remove(Number, Outstanding)};
                false -> Actor
            end;
        #{} ->
            note(Actor, "demonitor ~b: never set", [Number]),
            Actor
    end.

note(#actor{cast = {_, Journal}, name = Name}, Format, Arguments) ->
    journal:note(Journal, "~p " ++ Format, [Name | Arguments]).
