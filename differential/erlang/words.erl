%% The words of reasons and failures in a journal; src/reason.rs says the same.
-module(words).
-export([reason/1, failure/1, call_failure/1]).

reason({shutdown, {failed_to_start_child, _, _}}) -> "shutdown";
reason({start_spec, _}) -> "shutdown";
reason({shutdown, Why}) -> io_lib:format("shutdown(~p)", [Why]);
reason({panicked, Stack}) when is_list(Stack) -> "panic";
reason(Reason) when is_atom(Reason) -> atom_to_list(Reason);
reason(Reason) -> io_lib:format("~0p", [Reason]).

failure({shutdown, {failed_to_start_child, Id, Why}}) -> io_lib:format("failed(~p, ~s)", [Id, failure(Why)]);
failure({start_spec, _}) -> "invalid";
failure({already_started, _}) -> "already_started";
%% A supervisor that is asked to start a child tells its specification along with the reason.
failure({Why, Child}) when element(1, Child) =:= child -> failure(Why);
failure(Why) -> reason(Why).

%% A call ends its caller with the reason and itself.
call_failure({Reason, {gen_server, _, _}}) -> reason(Reason);
call_failure(Reason) -> reason(Reason).
