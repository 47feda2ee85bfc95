// Package client keeps one conversation with a gateway going: it dials, says
// hello, matches answers to requests, waits out a pairing, and comes back after
// every loss. It owns the Transport interface; package native has the one over
// TCP, a browser brings its own. Package follow does what stands under Resuming,
// for programs and for the browser alike.
//
// # Concurrency
//
// One mutex guards the whole machine. Transport and Socket are called with it
// held, which is why they must return at once and never call back from within.
// The program's callbacks (Resume, OnState, OnEvent, a call's done, what Tell is
// given) are never called with it held: what is to be told goes into one queue,
// and whichever goroutine finds nobody delivering empties it. So callbacks come
// one at a time, in the order in which things happened, and may call every method
// of the Client; what such a call brings about is told after the callback has
// returned. A callback that waits for another one (Request inside OnEvent, say)
// waits for itself.
//
// No goroutine is started; time comes from clock.AfterFunc.
//
// # Waiting
//
// A lost connection is tried again after 1 s, then after twice as long each
// time up to 30 s, each wait spread by a fifth to either side but never outside
// 1 s to 30 s. A gateway that says how long to wait (retryAfterMs) is obeyed; when
// it said so to everybody, because it stops, the wait is spread up to twice as
// long. A connection that was ready for 10 s sets the wait back to 1 s.
//
// TryNow and Redial cut waits short. TryNow is for "somebody is here": it trusts
// a connection that was heard in the last 3 s, and asks an older one for a sign of
// life. Redial is for "the network is another one": no socket from before is
// trusted.
//
// # Resuming
//
// A connection is where events are lost: those on their way when it ends, and
// those that come before the next one is ready. What a program has seen of a
// session's log is its cursor (session key, epoch, last seq; a timeline has it as
// Cursor). Options.Resume gives the cursors, the most important first, and
// State.Resumed of the Ready state says what became of each:
//
//   - live: every event after the cursor follows, in order, then live ones. There
//     is nothing to do; LastSeq less the cursor's seq is how many were missed.
//   - reset: those events cannot be had any more, or the log is another one. Read
//     chat.history.
//   - gone: the caller has no such session.
//   - not mentioned, since there were too many cursors: ask chat.replay for the
//     events after the cursor.
//
// Resumed comes before the first event. Handed to Timeline.Resumed, it leaves one
// of three cases, which are the same at any other time:
//
//   - Timeline.Stale: ask chat.history and Load the answer. If Load reports false,
//     the answer was out of date: ask again.
//   - Timeline.Gap, open for longer than an event may be on its way (2 s): ask
//     chat.replay from Cursor and give Replay the answer. While Gap is still open
//     after a Load or a Replay, ask at once.
//   - Neither: the transcript is what the gateway has, as far as is known. A tick
//     tells how far the logs are (Timeline.Tick), so that even a lost last event is
//     a Gap.
//
// One such question a session may be under way at a time. A Timeline that is Stale
// has no place to resume from: leave its cursor out, and read chat.history once
// Ready. The same holds for one without an epoch, unless its log is known to be
// empty so far (seq 0), which can be resumed from its beginning.
//
// A chat.send that ends with UNAVAILABLE may have taken effect: it is sent again,
// with the same idempotencyKey, once Ready, before the session's next one.
package client
