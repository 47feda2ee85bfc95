// Package client keeps a program or a page connected to a gateway: it opens a socket, sends
// connect, matches answers to requests, waits for a pairing, and reconnects. It defines the
// Transport interface: package native implements it over TCP, the browser's client by the
// browser's WebSocket. Package follow follows sessions as described under Resuming.
//
// # Concurrency
//
// One mutex guards a Client. The Client calls Transport and Socket with the mutex held, so
// they must return at once and must not call back.
//
// The program's callbacks are Resume, OnState, OnEvent, a call's done and the function given
// to RunInCallback. The Client queues them and calls them without the mutex, one at a time
// and in the order of what they report. A callback may call every method of the Client; the callbacks
// that this causes follow after the callback has returned. A callback must not wait for
// another callback, as Request does.
//
// The Client starts no goroutine. Its timers are those of clock.AfterFunc.
//
// # Waiting
//
// After a lost connection the Client tries again after 1 s, then after twice as long each
// time, up to 30 s. Each wait is spread randomly by up to a fifth, within 1 s and 30 s. A
// wait is at least as long as the gateway asks for (retryAfterMs). If the gateway asks all
// clients at once, because it is stopping, the wait is spread to up to twice as long. A
// connection that was ready for 10 s resets the wait to 1 s.
//
// TryNow and Redial end a wait. TryNow is for when a person is present: it keeps a
// connection on which something was received in the last 3 s, and probes an older one.
// Redial is for when the network has changed: it replaces every socket.
//
// # Resuming
//
// Events can be lost when a connection ends, and before the next one is ready. A program's
// cursor says how far it has read a session's log: session key, epoch and last seq (see
// Timeline.Cursor). Options.Resume returns the cursors, the most important first.
// State.Resumed of the Ready state has a status for each:
//
//   - live: the events after the cursor follow in order, then live ones. There is nothing
//     to do. LastSeq minus the cursor's seq is the number of missed events.
//   - reset: those events are no longer available, or the session has a new log. Read
//     chat.history.
//   - gone: the caller has no such session.
//   - no status, since there were too many cursors: call chat.replay for the events after
//     the cursor.
//
// Resumed comes before the first event. After Timeline.Resumed, and at any other time, one
// of these holds:
//
//   - Timeline.Stale: call chat.history and give the answer to Load. If Load reports false,
//     the answer was out of date: call it again.
//   - Timeline.Gap is open: if the missing events have not arrived within 2 s, call
//     chat.replay from Cursor and give the answer to Replay. If Gap is still open after a
//     Load or a Replay, call it again at once.
//   - Neither: the transcript is the gateway's, as far as the client knows. A tick has the
//     last seq of each log (Timeline.Tick), so that a lost last event opens a Gap as well.
//
// Only one such call of a session may be pending at a time. A Stale Timeline has no cursor
// to resume from: leave it out, and read chat.history once Ready. The same
// holds for a Timeline without an epoch, unless its log is known to be empty (seq 0): such a
// log can be resumed from its beginning.
//
// A chat.send that ends with UNAVAILABLE may have taken effect: send it again with the same
// idempotencyKey once Ready, before the session's next message.
package client
