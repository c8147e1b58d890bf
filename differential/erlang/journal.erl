%% What happened, line by line, in the order in which it did.
-module(journal).
-export([new/0, step/2, note/2, note/3, lines/1]).

new() ->
    ets:new(journal, [ordered_set, public]).

%% What is noted from here on belongs to this step.
step(Journal, Step) ->
    note(Journal, "step ~b", [Step]).

note(Journal, Line) ->
    note(Journal, "~ts", [Line]).

note(Journal, Format, Arguments) ->
    %% Strictly monotonic: what happens after something else has a larger number.
    ets:insert(Journal, {erlang:unique_integer([monotonic]), io_lib:format(Format, Arguments)}),
    ok.

lines(Journal) ->
    [Line || {_, Line} <- ets:tab2list(Journal)].
