package chaos

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/client/native"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/timeline"
)

// reader is a fresh client of a user: it knows only what it reads.
type reader struct {
	client *client.Client
	http   *http.Transport
}

// newReader connects directly to the gateway.
func newReader(ctx context.Context, address, user string) (*reader, error) {
	r := &reader{http: &http.Transport{}}
	var err error
	r.client, err = native.Dial(ctx, "ws://"+address, native.Options{
		Hello: protocol.ConnectParams{Token: token, UserID: user, DeviceName: user + ", fresh",
			Client: &protocol.Client{Name: "chaos", Caps: []string{protocol.CapHTML}}},
		HTTPClient: &http.Client{Transport: r.http},
	})
	if err != nil {
		return nil, fmt.Errorf("a fresh client of %s: %w", user, err)
	}
	return r, nil
}

func (r *reader) stop() {
	r.client.Stop()
	r.http.CloseIdleConnections()
}

// sessions returns all sessions of the user.
func (r *reader) sessions(ctx context.Context) (all []protocol.Session, err error) {
	for page := ""; ; {
		var list protocol.SessionsListResult
		if err := r.client.Request(ctx, protocol.MethodSessionsList, &protocol.SessionsListParams{Cursor: page}, &list); err != nil {
			return nil, err
		}
		all = append(all, list.Sessions...)
		if page = list.Cursor; page == "" {
			return all, nil
		}
	}
}

// busy returns the status of sessions with a run, by key.
func (r *reader) busy(ctx context.Context) (map[string]protocol.ChatStatusResult, error) {
	sessions, err := r.sessions(ctx)
	if err != nil {
		return nil, err
	}
	busy := map[string]protocol.ChatStatusResult{}
	for _, s := range sessions {
		var is protocol.ChatStatusResult
		if err := r.client.Request(ctx, protocol.MethodChatStatus, &protocol.ChatStatusParams{SessionKey: s.Key}, &is); err != nil {
			return nil, err
		}
		if is.IsRunning || is.Queued > 0 {
			busy[s.Key] = is
		}
	}
	return busy, nil
}

// approve lets in the device that shows a code, as a device of user.
func (r *reader) approve(ctx context.Context, code, user string) error {
	params := &protocol.DeviceApproveParams{Code: code, UserID: user, Role: protocol.Operator}
	return r.client.Request(ctx, protocol.MethodDeviceApprove, params, nil)
}

func (r *reader) page(ctx context.Context, key string, before int64,
	limit int64) (h protocol.ChatHistoryResult, err error) {
	params := &protocol.ChatHistoryParams{SessionKey: key, Before: before, Limit: &limit}
	err = r.client.Request(ctx, protocol.MethodChatHistory, params, &h)
	return h, err
}

// history reads a whole transcript in long pages.
func (r *reader) history(ctx context.Context, key string) ([]protocol.Message, error) {
	var all []protocol.Message
	for before := int64(0); ; {
		h, err := r.page(ctx, key, before, protocol.MaxHistoryLimit)
		if err != nil {
			return nil, err
		}
		all = slices.Concat(h.Messages, all)
		if !h.HasMore {
			return all, nil
		}
		if len(h.Messages) == 0 {
			return nil, errors.New("an empty page of a history that has more")
		}
		before = h.Messages[0].Seq
	}
}

// transcript reads a session as a client does that opens it: in short pages.
func (r *reader) transcript(ctx context.Context, key string) ([]protocol.Message, error) {
	const short = 7
	tl := timeline.New(key)
	h, err := r.page(ctx, key, 0, short)
	if err != nil {
		return nil, err
	}
	tl.Load(h)
	for {
		before, more := tl.Oldest()
		if !more {
			return shownMessages(tl), nil
		}
		if h, err = r.page(ctx, key, before, short); err != nil {
			return nil, err
		}
		if !tl.Prepend(before, h) {
			return nil, fmt.Errorf("a page before %d does not join on", before)
		}
	}
}

// log reads a session's events from the first on. It returns nil when some were compacted
// away.
func (r *reader) log(ctx context.Context, key string) (events []protocol.Frame, err error) {
	for after := int64(0); ; {
		limit := int64(protocol.MaxReplayLimit)
		params := &protocol.ChatReplayParams{SessionKey: key, AfterSeq: after, Limit: &limit}
		var part protocol.ChatReplayResult
		if err := r.client.Request(ctx, protocol.MethodChatReplay, params, &part); err != nil {
			return nil, err
		}
		if part.Reset {
			return nil, nil
		}
		events = append(events, part.Events...)
		if len(events) > 0 {
			after = events[len(events)-1].Seq
		}
		if after >= part.LastSeq {
			return events, nil
		}
		if len(part.Events) == 0 {
			return nil, fmt.Errorf("chat.replay after %d gave nothing, though the log is at %d",
				after, part.LastSeq)
		}
	}
}

// shownMessages copies a transcript with the formatted text that a client shows.
func shownMessages(tl *timeline.Timeline) []protocol.Message {
	var all []protocol.Message
	for _, m := range tl.Messages() {
		is := m.Message
		if len(m.Blocks) > 0 {
			is.HTML = &protocol.HTML{}
		}
		for _, b := range m.Blocks {
			is.HTML.Blocks = append(is.HTML.Blocks, b.HTML+b.Text)
		}
		all = append(all, is)
	}
	return all
}

// caughtUp waits until the device has the session up to seq by itself, and returns its
// transcript with older pages.
func (d *device) caughtUp(ctx context.Context, key, epoch string,
	seq int64) ([]protocol.Message, error) {
	at := protocol.Cursor{}
	for {
		there := false
		d.locked(func() {
			if f := d.followed[key]; f != nil {
				at = f.timeline.Cursor()
				there = f.loaded && !f.timeline.Stale() && at.AfterSeq == seq && at.Epoch == epoch
			}
		})
		if there {
			return d.transcript(ctx, key)
		}
		if !wait(ctx, 20*time.Millisecond) {
			return nil, fmt.Errorf("%s is at %d of %q, the session at %d of %q", d.name,
				at.AfterSeq, at.Epoch, seq, epoch)
		}
	}
}

// transcript completes what the device has of a session with older pages.
func (d *device) transcript(ctx context.Context, key string) (all []protocol.Message, err error) {
	for {
		var before int64
		var more bool
		d.locked(func() {
			tl := d.followed[key].timeline
			if before, more = tl.Oldest(); !more {
				all = shownMessages(tl)
			}
		})
		if !more {
			return all, nil
		}
		limit := int64(20)
		params := &protocol.ChatHistoryParams{SessionKey: key, Before: before, Limit: &limit}
		var h protocol.ChatHistoryResult
		if err := d.request(ctx, 10*time.Second, protocol.MethodChatHistory, params, &h); err != nil {
			return nil, err
		}
		d.locked(func() {
			if !d.followed[key].timeline.Prepend(before, h) {
				err = fmt.Errorf("a page before %d does not join on", before)
			}
			d.noteFaults(d.followed[key], d.followed[key].checkAllShown())
		})
		if err != nil {
			return nil, err
		}
	}
}
