package chaos

import (
	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// onConnected resumes every followed session, and looks for new ones.
func (d *device) onConnected(s client.State) {
	d.connection++
	answers := map[string]*protocol.ResumedCursor{}
	for i := range s.Resumed {
		answers[s.Resumed[i].SessionKey] = &s.Resumed[i]
	}
	for key, f := range d.followed {
		r := answers[key]
		if r != nil {
			d.resumed(f, r)
		}
		if r != nil && r.Status == protocol.ResumeGone {
			delete(d.followed, key)
			continue
		}
		d.fetch(f, f.connected(d.cursors[key], r))
	}
	d.list("")
	for _, key := range d.watched {
		if d.followed[key] == nil {
			d.watch(key)
		}
	}
}

// watch follows a session of another user from its start, as soon as it exists.
func (d *device) watch(key string) {
	params := &protocol.ChatWatchParams{SessionKey: key, AfterSeq: new(int64)}
	d.call(protocol.MethodChatWatch, params, func(payload jsontext.Raw, failed *protocol.Error) {
		if failed != nil {
			if failed.Code != protocol.NotFound {
				d.checkRetryable(key, protocol.MethodChatWatch, failed)
			}
			d.after(askAgain, func() { d.watch(key) })
			return
		}
		var r protocol.ResumedCursor
		if err := protocol.Decode(payload, &r); err != nil {
			d.noteViolation(key, "an unreadable answer to chat.watch: %v", err)
			return
		}
		f := newFollowedSession(key)
		d.followed[key], f.loaded = f, true
		d.fetch(f, f.connected(protocol.Cursor{SessionKey: key}, &r))
	})
}

// resumed checks the gateway's answer to a cursor: a cursor of a log that nobody
// shortened has to be served.
func (d *device) resumed(f *followedSession, r *protocol.ResumedCursor) {
	counts, cursor := d.run.counts, d.cursors[f.key]
	switch r.Status {
	case protocol.ResumeLive:
		counts.resumed.Add(1)
		// A session that was watched from its start has no epoch before its first event.
		fresh := cursor.Epoch == "" && cursor.AfterSeq == 0
		if r.LastSeq < cursor.AfterSeq || r.Epoch != cursor.Epoch && !fresh {
			d.noteViolation(f.key, "resumed at seq %d of %s, while the log is at %d of %s",
				cursor.AfterSeq, cursor.Epoch, r.LastSeq, r.Epoch)
		}
	case protocol.ResumeReset:
		counts.stale.Add(1)
		if !d.run.compacts && r.Epoch == cursor.Epoch {
			d.noteViolation(f.key, "the cursor at seq %d of %s was not served, though nothing was removed", cursor.AfterSeq, cursor.Epoch)
		}
	case protocol.ResumeGone:
		counts.gone.Add(1)
		if !d.run.disposable(f.key) {
			d.noteViolation(f.key, "the gateway knows the session no more")
		}
	default:
		d.noteViolation(f.key, "an unknown status of a cursor: %q", r.Status)
	}
}

// list requests the user's sessions, from a page on, to find those that are not followed
// yet.
func (d *device) list(page string) {
	d.call(protocol.MethodSessionsList, &protocol.SessionsListParams{Cursor: page}, func(payload jsontext.Raw, failed *protocol.Error) {
		var r protocol.SessionsListResult
		if failed != nil {
			d.checkRetryable("", protocol.MethodSessionsList, failed)
			d.after(askAgain, func() { d.list(page) })
			return
		}
		if err := protocol.Decode(payload, &r); err != nil {
			d.noteViolation("", "an unreadable list of sessions: %v", err)
		}
		for _, s := range r.Sessions {
			if d.followed[s.Key] == nil {
				f := newFollowedSession(s.Key)
				d.followed[s.Key] = f
				d.fetch(f, history)
			}
		}
		if r.Cursor != "" {
			d.list(r.Cursor)
		}
	})
}
