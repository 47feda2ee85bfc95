package chaos

import (
	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// connected takes up every session again, and looks for ones that are new.
func (d *device) connected(s client.State) {
	d.connection++
	said := map[string]*protocol.ResumedCursor{}
	for i := range s.Resumed {
		said[s.Resumed[i].SessionKey] = &s.Resumed[i]
	}
	for key, f := range d.follows {
		r := said[key]
		if r != nil {
			d.resumed(f, r)
		}
		if r != nil && r.Status == protocol.ResumeGone {
			delete(d.follows, key)
			continue
		}
		d.get(f, f.connected(d.cursors[key], r))
	}
	d.list("")
	for _, key := range d.watched {
		if d.follows[key] == nil {
			d.watch(key)
		}
	}
}

// watch follows a session of another user from its start, once there is one.
func (d *device) watch(key string) {
	params := &protocol.ChatWatchParams{SessionKey: key, AfterSeq: new(int64)}
	d.call(protocol.MethodChatWatch, params, func(payload jsontext.Raw, failed *protocol.Error) {
		if failed != nil {
			if failed.Code != protocol.NotFound {
				d.passing(key, protocol.MethodChatWatch, failed)
			}
			d.after(askAgain, func() { d.watch(key) })
			return
		}
		var r protocol.ResumedCursor
		if err := protocol.Decode(payload, &r); err != nil {
			d.violate(key, "an unreadable answer to chat.watch: %v", err)
			return
		}
		f := newFollow(key)
		d.follows[key], f.loaded = f, true
		d.get(f, f.connected(protocol.Cursor{SessionKey: key}, &r))
	})
}

// resumed holds that a cursor of a log that nobody shortened is served.
func (d *device) resumed(f *follow, r *protocol.ResumedCursor) {
	counts, cursor := d.run.counts, d.cursors[f.key]
	switch r.Status {
	case protocol.ResumeLive:
		counts.resumed.Add(1)
		if r.LastSeq < cursor.AfterSeq || r.Epoch != cursor.Epoch {
			d.violate(f.key, "resumed at seq %d of %s, while the log is at %d of %s", cursor.AfterSeq, cursor.Epoch, r.LastSeq, r.Epoch)
		}
	case protocol.ResumeReset:
		counts.stale.Add(1)
		if !d.run.compacts && r.Epoch == cursor.Epoch {
			d.violate(f.key, "the cursor at seq %d of %s was not served, though nothing was removed", cursor.AfterSeq, cursor.Epoch)
		}
	case protocol.ResumeGone:
		counts.gone.Add(1)
		if !d.run.disposable(f.key) {
			d.violate(f.key, "the gateway knows the session no more")
		}
	default:
		d.violate(f.key, "an unknown status of a cursor: %q", r.Status)
	}
}

// list asks for the user's sessions, from a page on, to find ones not followed
// yet.
func (d *device) list(page string) {
	d.call(protocol.MethodSessionsList, &protocol.SessionsListParams{Cursor: page}, func(payload jsontext.Raw, failed *protocol.Error) {
		var r protocol.SessionsListResult
		if failed != nil {
			d.passing("", protocol.MethodSessionsList, failed)
			d.after(askAgain, func() { d.list(page) })
			return
		}
		if err := protocol.Decode(payload, &r); err != nil {
			d.violate("", "an unreadable list of sessions: %v", err)
		}
		for _, s := range r.Sessions {
			if d.follows[s.Key] == nil {
				f := newFollow(s.Key)
				d.follows[s.Key] = f
				d.get(f, history)
			}
		}
		if r.Cursor != "" {
			d.list(r.Cursor)
		}
	})
}
