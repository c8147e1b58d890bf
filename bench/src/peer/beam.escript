#!/usr/bin/env escript
%%! +P 4000000
-module(beam).
-mode(compile).
%% The BEAM's side of the comparison: the workloads that src/workload.rs defines, each printed as one figure.
%% Sends are raw messages between plain processes, the fastest the BEAM has; servers and calls are gen_server's.
-export([main/1, init/1, handle_call/3, handle_cast/2, terminate/2]).

-define(RING_SIZE, 1000).
-define(MANY, 64).
-define(NAMES, 100000).
-define(READERS, 2).
-define(FEW_RESTARTS, 1000).
-define(MANY_RESTARTS, 20000).

main([Workload, Digits]) ->
    Count = list_to_integer(Digits),
    %% The code is loaded and the heaps have grown before the clock starts; memory is measured from a fresh heap.
    Cold = ["mem", "lookup", "server-beside-names", "restart-p50", "restart-p99", "restart-20000"],
    lists:member(Workload, Cold) orelse run(Workload, Count div 20 div ?MANY * ?MANY),
    io:format("~p~n", [figure(Workload, Count)]).

figure("mem", Count) -> memory(Count);
figure("restart-p50", Count) -> quantile(0.5, element(1, restarts(?FEW_RESTARTS, Count)));
figure("restart-p99", Count) -> quantile(0.99, element(1, restarts(?FEW_RESTARTS, Count)));
figure("restart-20000", Count) -> Count * 1.0e6 / element(2, restarts(?MANY_RESTARTS, Count));
figure(Workload, Count) when Workload =:= "lookup"; Workload =:= "server-beside-names" ->
    case has_elixir() of
        true -> Count * 1.0e6 / run(Workload, Count);
        false -> none
    end;
figure(Workload, Count) -> Count * 1.0e6 / run(Workload, Count).

%% Returns microseconds.
run("spawn", Count) -> timed(fun() -> spawn_and_exit(Count) end);
run("server", Count) -> timed(fun() -> servers(Count) end);
run("pingpong", Count) -> ping_pong(Count);
run("ring", Count) -> ring(Count);
run("flood", Count) -> fan_in(1, Count);
run("fan-in", Count) -> fan_in(?MANY, Count);
run("call-1", Count) -> call(1, Count);
run("call-64", Count) -> call(?MANY, Count);
run("lookup", Count) -> lookups(Count);
run("server-beside-names", Count) -> hold_names(names()), timed(fun() -> servers(Count) end).

timed(Fun) ->
    Start = erlang:monotonic_time(),
    Fun(),
    max(1, erlang:convert_time_unit(erlang:monotonic_time() - Start, native, microsecond)).

%% The last of Count to call the returned fun wakes the process that made it.
countdown(Count) ->
    Counter = atomics:new(1, []),
    atomics:put(Counter, 1, Count),
    {Waiter, Ref} = {self(), make_ref()},
    Tick = fun() ->
        case atomics:sub_get(Counter, 1, 1) of
            0 -> Waiter ! Ref, ok;
            _ -> ok
        end
    end,
    {Tick, Ref}.

wait(Ref) -> receive Ref -> ok end.

spawn_and_exit(Count) ->
    {Tick, Ref} = countdown(Count),
    repeat(Count, fun() -> spawn(Tick) end),
    wait(Ref).

servers(Count) ->
    {Tick, Ref} = countdown(Count),
    repeat(Count, fun() ->
        {ok, Pid} = gen_server:start(?MODULE, {state(), Tick}, []),
        gen_server:cast(Pid, stop)
    end),
    wait(Ref).

memory(Count) ->
    {Tick, Ref} = countdown(Count),
    Before = resident_bytes(),
    repeat(Count, fun() ->
        {ok, Pid} = gen_server:start(?MODULE, {state(), none}, []),
        gen_server:cast(Pid, {touch, Tick})
    end),
    wait(Ref),
    timer:sleep(200),
    (resident_bytes() - Before) / Count.

ping_pong(Count) ->
    Pong = spawn_link(fun pong/0),
    Micros = timed(fun() -> ping(Pong, Count) end),
    Pong ! stop,
    Micros.

ping(_, 0) -> ok;
ping(Pong, Left) ->
    Pong ! {ping, self()},
    receive pong -> ping(Pong, Left - 1) end.

pong() ->
    receive
        {ping, From} -> From ! pong, pong();
        stop -> ok
    end.

ring(Hops) ->
    {Tick, Ref} = countdown(1),
    First = spawn_link(fun() -> receive {next, Next} -> pass_on(Next, Tick) end end),
    Last = lists:foldl(
        fun(_, Next) -> spawn_link(fun() -> pass_on(Next, Tick) end) end, First, lists:seq(2, ?RING_SIZE)
    ),
    First ! {next, Last},
    timed(fun() -> First ! Hops, wait(Ref) end).

pass_on(Next, Tick) ->
    receive
        0 -> Tick(), pass_on(Next, Tick);
        Hops -> Next ! Hops - 1, pass_on(Next, Tick)
    end.

fan_in(Senders, Count) ->
    {Tick, Ref} = countdown(1),
    Sink = spawn_link(fun() -> sink(Count, Tick) end),
    timed(fun() ->
        repeat(Senders, fun() ->
            spawn_link(fun() -> send(Sink, Count div Senders) end)
        end),
        wait(Ref)
    end).

send(_, 0) -> ok;
send(Sink, Left) -> Sink ! Left, send(Sink, Left - 1).

sink(0, Tick) -> Tick();
sink(Left, Tick) -> receive _ -> sink(Left - 1, Tick) end.

call(Callers, Count) ->
    {ok, Server} = gen_server:start_link(?MODULE, {0, none}, []),
    {Tick, Ref} = countdown(Callers),
    timed(fun() ->
        repeat(Callers, fun() ->
            spawn_link(fun() -> call_in_turn(Server, Count div Callers), Tick() end)
        end),
        wait(Ref)
    end).

call_in_turn(_, 0) -> ok;
call_in_turn(Server, Left) ->
    gen_server:call(Server, {add, Left}),
    call_in_turn(Server, Left - 1).

%% Elixir's Registry, with a partition for each scheduler, as its documentation has it.
has_elixir() ->
    case os:find_executable("elixir") of
        false ->
            false;
        _ ->
            Ebin = os:cmd("elixir -e 'IO.write(:code.lib_dir(:elixir))'") ++ "/ebin",
            code:add_pathz(Ebin) =:= true andalso element(1, application:ensure_all_started(elixir)) =:= ok
    end.

names() -> [<<"name-", (integer_to_binary(N))/binary>> || N <- lists:seq(0, ?NAMES - 1)].

hold_names(Names) ->
    Options = [{keys, unique}, {name, bench}, {partitions, erlang:system_info(schedulers_online)}],
    {ok, _} = 'Elixir.Registry':start_link(Options),
    Holders = [{via, 'Elixir.Registry', {bench, Name}} || Name <- Names],
    [{ok, _} = gen_server:start(Holder, ?MODULE, {state(), none}, []) || Holder <- Holders].

lookups(Count) ->
    Names = names(),
    hold_names(Names),
    {Tick, Ref} = countdown(?READERS),
    Readers = [
        begin
            Order = shuffled(Names),
            spawn_link(fun() -> receive go -> lookup(Order, Order, Count div ?READERS), Tick() end end)
        end
     || _ <- lists:seq(1, ?READERS)
    ],
    timed(fun() -> [Reader ! go || Reader <- Readers], wait(Ref) end).

lookup(_, _, 0) -> ok;
lookup([], Order, Left) -> lookup(Order, Order, Left);
lookup([Name | Names], Order, Left) ->
    [_] = 'Elixir.Registry':lookup(bench, Name),
    lookup(Names, Order, Left - 1).

shuffled(Names) -> [Name || {_, Name} <- lists:sort([{rand:uniform(), Name} || Name <- Names])].

%% A server under OTP's own supervisor crashes Before times, and then Count times by the clock. Returns the nanoseconds of each
%% restart, and the microseconds of all.
restarts(Before, Count) ->
    logger:set_primary_config(level, none),
    Crashed = atomics:new(1, []),
    {ok, _} = supervisor:start_link(?MODULE, {supervisor, {mortal, self(), Crashed}}),
    {First, _} = restart_in_turn(Before, born(), []),
    Start = erlang:monotonic_time(),
    {_, Times} = restart_in_turn(Count, {First, 0}, []),
    All = erlang:monotonic_time() - Start,
    {
        [erlang:convert_time_unit(Time, native, nanosecond) || Time <- Times],
        erlang:convert_time_unit(All, native, microsecond)
    }.

restart_in_turn(0, {Server, _}, Times) -> {Server, Times};
restart_in_turn(Left, {Server, _}, Times) ->
    gen_server:cast(Server, crash),
    {_, Time} = Next = born(),
    restart_in_turn(Left - 1, Next, [Time | Times]).

born() -> receive {born, Server, Time} -> {Server, Time} end.

quantile(Share, Samples) -> lists:nth(ceil(length(Samples) * Share), lists:sort(Samples)).

repeat(0, _) -> ok;
repeat(Left, Fun) -> Fun(), repeat(Left - 1, Fun).

%% Made anew for each server: seven words and a header are 64 bytes on the heap.
state() -> list_to_tuple([erlang:unique_integer() || _ <- lists:seq(1, 7)]).

resident_bytes() ->
    {ok, Status} = file:read_file("/proc/self/status"),
    {match, [Kilobytes]} = re:run(Status, "VmRSS:\\s+(\\d+) kB", [{capture, all_but_first, list}]),
    list_to_integer(Kilobytes) * 1024.

%% The server of every workload: its state, and whom to tell when it ends.
init({supervisor, Child}) ->
    Flags = #{strategy => one_for_one, intensity => 1000000, period => 3600},
    {ok, {Flags, [#{id => mortal, start => {gen_server, start_link, [?MODULE, Child, []]}}]}};
init({mortal, Witness, Crashed} = State) ->
    Witness ! {born, self(), erlang:monotonic_time() - atomics:get(Crashed, 1)},
    {ok, State};
init(State) -> {ok, State}.

handle_call({add, Number}, _From, {Sum, Tick}) -> {reply, Sum + Number, {Sum + Number, Tick}}.

handle_cast(crash, {mortal, _, Crashed}) ->
    atomics:put(Crashed, 1, erlang:monotonic_time()),
    error(as_planned);
handle_cast(stop, State) -> {stop, normal, State};
handle_cast({touch, Touched}, State) -> Touched(), {noreply, State}.

terminate(_Reason, {mortal, _, _}) -> ok;
terminate(_Reason, {_, none}) -> ok;
terminate(_Reason, {_, Tick}) -> Tick().
