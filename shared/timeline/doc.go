// Package timeline puts a session's events in order, detects missing ones, and folds them
// into the session's transcript. It uses no time, no I/O, no goroutines and no locks. A
// Timeline is not safe for concurrent use.
//
// To follow a log, a program asks for the history while the Timeline is Stale (Load), and
// for the events after Cursor while there is a Gap (Replay). Then the Timeline ends up with
// the gateway's transcript, whatever events are lost, late, duplicated or compacted, and
// even if the session gets a new log. Two conditions apply: a connection's events do not
// come before events of an earlier log, and only one history or replay is pending at a
// time. Package client describes it under Resuming.
//
// # The fold
//
// The events of a session's log have seq 1, 2, 3 …, without gaps. A Timeline applies each
// event exactly once and in order, and buffers an event that comes too early until the gap
// before it is filled. The resulting transcript equals chat.history at the same lastSeq, in
// each message's id, role, content, thinking, status, error, finish, rejected, runId, replyTo, label, author,
// media and seq. The gateway and this package fold events by the same rules:
//
//   - chat "message" adds the message, or replaces the one with the same id. A message
//     without seq keeps its earlier seq, or gets the event's. A message with an older seq
//     that is not loaded belongs to a page that is not loaded, and is ignored.
//   - run.started adds the answer: role assistant, status streaming, empty,
//     with the run's id and the seq of this event; its id is messageId, or
//     "run:" and the run's id if there is none. Its replyTo is userMessageId, or else the
//     id of the run's user message; that message becomes complete if it was queued.
//   - chunk and thinking append to the content and the thinking of the run's
//     streaming answer; thinking with textWasThinking first moves the content so far
//     to the thinking; activity, tool.call and tool.result leave the transcript
//     as it is.
//   - run.completed makes the streaming answer complete, with exactly its
//     content and its finish.
//   - run.failed makes the streaming answer failed, with the sentence as its
//     error, and rejected if the event says so; the content so far stays. A run that failed before run.started gets
//     its answer by this event, as if run.started had come with it.
//   - run.cancelled makes the streaming answer aborted; the content so far
//     stays. Without messageId and without an answer, the user message of the run
//     becomes withdrawn.
//   - Other events with a seq, such as session.updated, do not change the transcript, but
//     count in the log. The same holds for events of a run without a streaming answer:
//     ended answers do not change.
//
// The transcript is ordered by seq, except that an answer directly follows the message that
// it replies to.
//
// Formatted text (html) is derived from the content and not covered by these rules: blocks
// that do not fit are removed, and the message shows its plain content until a later event
// formats it again. The content is always complete.
//
// The package is linked into WebAssembly. It passes protocol types to no interface and no
// generic function, because that would link codecs that the client does not use.
package timeline
