%% A server that does what its scenario says.
-module(server).
-behaviour(gen_server).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, handle_continue/2, terminate/2]).

-record(server, {name, player, journal, panics, deferred = []}).

init({Name, {_, Traps, Init, Panics}, {Player, Journal}}) ->
    process_flag(trap_exit, Traps),
    Server = #server{name = Name, player = Player, journal = Journal, panics = Panics},
    note(Server, "init", []),
    case Init of
        up -> {ok, Server};
        {continues, Times} -> {ok, Server, {continue, Times}};
        {fails, Reason} -> {stop, Reason};
        panics -> error(panicked);
        ignores -> ignore;
        hangs -> receive never -> ok end
    end.

handle_continue(Times, Server) ->
    note(Server, "continue ~b", [Times]),
    case Times of
        1 -> {noreply, Server};
        _ -> {noreply, Server, {continue, Times - 1}}
    end.

handle_call(sync, _, Server) ->
    {reply, ok, Server};
handle_call(Call, From, Server) ->
    note(Server, "call ~b", [element(2, Call)]),
    case Call of
        {call, Number} -> {reply, Number, Server};
        {defer, Number} -> {noreply, Server#server{deferred = [{From, Number} | Server#server.deferred]}};
        {call_stop, Number, Reason, true} -> {stop, Reason, Number, Server};
        {call_stop, _, Reason, false} -> {stop, Reason, Server};
        {call_panic, _} -> error(panicked)
    end.

handle_cast({cast, Number}, Server) ->
    note(Server, "message ~b", [Number]),
    {noreply, Server};
handle_cast(answer, Server) ->
    note(Server, "answers", []),
    [gen_server:reply(From, Number) || {From, Number} <- Server#server.deferred],
    {noreply, Server#server{deferred = []}};
handle_cast({cast_stop, Reason}, Server) ->
    {stop, Reason, Server};
handle_cast(cast_panic, _) ->
    error(panicked);
handle_cast({work, Then}, Server) ->
    Server#server.player ! {begun, self()},
    receive over -> ok end,
    case Then of
        waits -> {noreply, Server};
        {continues, Times} -> {noreply, Server, {continue, Times}};
        idles -> {noreply, Server, 0}
    end;
handle_cast(be_idle, Server) ->
    {noreply, Server, 2};
handle_cast(call_yourself, Server) ->
    try gen_server:call(self(), {call, 0}) of
        Number -> note(Server, "~b", [Number])
    catch
        exit:Reason -> note(Server, "~s", [words:call_failure(Reason)])
    end,
    {noreply, Server}.

handle_info(timeout, Server) ->
    note(Server, "idle", []),
    Server#server.player ! {idle, self()},
    {noreply, Server};
handle_info({'EXIT', _, Reason}, Server) ->
    note(Server, "exited ~s", [words:reason(Reason)]),
    {noreply, Server}.

terminate(Reason, #server{panics = Panics} = Server) ->
    note(Server, "terminate ~s", [words:reason(Reason)]),
    case Panics of
        true -> error(panicked);
        false -> ok
    end.

note(#server{name = Name, journal = Journal}, Format, Arguments) ->
    journal:note(Journal, "~p " ++ Format, [Name | Arguments]).
