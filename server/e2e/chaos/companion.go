package chaos

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/client"
	following "github.com/gatehouse-chat/gatehouse/shared/client/follow"
	"github.com/gatehouse-chat/gatehouse/shared/client/native"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/timeline"
)

// companion is a program that follows sessions by package follow, as the page in
// the browser does, over a line of its own. A device checks what the gateway does
// on the way; a companion proves that nobody has to: it ends with the gateway's
// transcript.
type companion struct {
	name     string
	sessions []string
	http     *http.Transport
	follower *following.Follower
	stopped  signal
}

// accompany adds a companion for sessions that need not exist yet.
func (r *run) accompany(n int, user string, sessions []string) error {
	l, err := r.proxy.open(n)
	if err != nil {
		return err
	}
	c := &companion{name: user + ".companion", sessions: sessions, http: &http.Transport{}}
	c.stopped.set(true)
	t, err := native.NewTransport("ws://"+l.address(), native.Options{HTTPClient: &http.Client{Transport: c.http}})
	if err != nil {
		return err
	}
	c.follower = following.New(client.Options{
		Transport: t,
		Hello: protocol.ConnectParams{Token: token, UserID: user, DeviceName: c.name,
			Client: &protocol.Client{Name: "chaos", Caps: []string{protocol.CapHTML}}},
		OnState: func(s client.State) {
			c.stopped.set(s.Phase == client.Stopped)
			switch s.Phase {
			case client.Waiting: // mostly there is no time for the client's own waits
				time.AfterFunc(200*time.Millisecond, c.follower.Client.TryNow)
			case client.Refused:
				r.violate("", "%s: the gateway refused the credential: %v", c.name, s.Err)
			}
		},
	}, func(s *following.Session, _ []timeline.Change) {
		if s.Err != nil {
			r.violate(s.Key, "%s cannot follow: %v", c.name, s.Err)
		}
	})
	c.follower.Client.Start()
	for _, key := range sessions {
		c.follower.Follow(key)
	}
	r.companions = append(r.companions, c)
	return nil
}

func (c *companion) stop() {
	c.follower.Client.Stop()
	<-c.stopped.done()
	c.http.CloseIdleConnections()
}

// caughtUp waits until the companion has the session up to that seq by itself, and
// gives its transcript, older pages included.
func (c *companion) caughtUp(ctx context.Context, s session) ([]protocol.Message, error) {
	type progress struct {
		at   protocol.Cursor
		all  []protocol.Message
		done bool
	}
	for {
		told := make(chan progress, 1)
		c.follower.Client.Tell(func() {
			f := c.follower.Session(s.key)
			p := progress{at: f.Log.Cursor()}
			if f.Loaded && !f.Gone && !f.Log.Stale() && p.at.AfterSeq == s.last && p.at.Epoch == s.epoch {
				if _, more := f.Log.Oldest(); more {
					f.Earlier(nil)
				} else {
					p.all, p.done = messages(f.Log), true
				}
			}
			told <- p
		})
		p := <-told
		if p.done {
			return p.all, nil
		}
		if !wait(ctx, 20*time.Millisecond) {
			return nil, fmt.Errorf("%s is at %d of %q, the session at %d of %q", c.name, p.at.AfterSeq, p.at.Epoch, s.last, s.epoch)
		}
	}
}

// companionsOf are those that follow a session.
func (r *run) companionsOf(key string) (all []*companion) {
	for _, c := range r.companions {
		if slices.Contains(c.sessions, key) {
			all = append(all, c)
		}
	}
	return all
}
