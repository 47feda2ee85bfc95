// Package timeline orders a session's events, sees what is missing, and folds
// them into the session's transcript. It is pure: no time, no I/O, no goroutine,
// no lock; one goroutine uses a Timeline at a time.
//
// Following a log asks for three things at most: the history while the Timeline
// is Stale (Load), the events after Cursor while there is a Gap (Replay), and
// nothing else. Whatever is lost, late, twice or compacted away on the way, and
// whatever becomes of the session meanwhile, it ends with the gateway's
// transcript, given that events of one connection do not come before those of an
// earlier log of the session, and that one history or replay is under way at a
// time. Package client's word on resuming has the whole of it.
//
// # The fold
//
// A session's log is gapless: its events bear seq 1, 2, 3 …. A Timeline applies
// each exactly once and in order, and holds back what comes early until the gap
// before it is filled. The transcript so folded equals, message by message in
// id, role, content, thinking, status, error, runId, replyTo, label, author,
// media and seq, what chat.history answers at the same lastSeq. This is the
// fold, for the gateway's projection as well as for this package:
//
//   - chat "message" adds the message, or replaces the one of that id. A message
//     without seq keeps the seq it had, or has that of its event; one with an older
//     seq that is not here belongs to a page that is not here, and stays there.
//   - run.started adds the answer: role assistant, status streaming, empty,
//     with the run's id and the seq of this event; its id is messageId, or
//     "run:" and the run's id where there is none. The user message
//     userMessageId, or else that of the run, is its replyTo, and becomes
//     complete if it was queued.
//   - chunk and thinking append to the content and the thinking of the run's
//     streaming answer; activity, tool.call and tool.result leave the transcript
//     as it is.
//   - run.completed makes the streaming answer complete, with exactly its
//     content.
//   - run.failed makes the streaming answer failed, with the sentence as its
//     error; the content so far stays. A run that failed before run.started gets
//     its answer by this event, as if run.started had come with it.
//   - run.cancelled makes the streaming answer aborted; the content so far
//     stays. Without messageId and without an answer, the user message of the run
//     becomes withdrawn.
//   - Anything else with a seq, session.updated above all, takes its place in
//     the log and leaves the transcript as it is. So do events of a run that has
//     no streaming answer: what has ended changes no more.
//
// The transcript is ordered by seq, save that an answer stands right behind what
// it answers.
//
// Formatted text (html) is derived and not part of this promise: blocks that do
// not fit what is here are dropped, and the message shows its plain content
// until it is formatted anew. No word is ever left out.
//
// The package is linked into WebAssembly: protocol types go through no interface
// and no generic function here, either of which would bring along the codecs that
// are not used.
package timeline
