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

// follower is a program that follows sessions with package follow, as the page in the
// browser does, over a route of its own. A device checks what the gateway does on the
// way. A follower shows that programs need no such checks: it ends with the gateway's
// transcript.
type follower struct {
	name     string
	sessions []string
	http     *http.Transport
	follower *following.Follower
	stopped  signal
}

// addFollower adds a follower of sessions that need not exist yet.
func (r *run) addFollower(n int, user string, sessions []string) error {
	l, err := r.proxy.openRoute(n)
	if err != nil {
		return err
	}
	c := &follower{name: user + ".follower", sessions: sessions, http: &http.Transport{}}
	c.stopped.set(true)
	t, err := native.NewTransport("ws://"+l.address(),
		native.Options{HTTPClient: &http.Client{Transport: c.http}})
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
			case client.Waiting: // the client's own waits are too long for a short run
				time.AfterFunc(200*time.Millisecond, c.follower.Client.TryNow)
			case client.Refused:
				r.noteViolation("", "%s: the gateway refused the credential: %v", c.name, s.Err)
			}
		},
	}, func(s *following.Session, _ []timeline.Change) {
		if s.Err != nil {
			r.noteViolation(s.Key, "%s cannot follow: %v", c.name, s.Err)
		}
	})
	c.follower.Client.Start()
	for _, key := range sessions {
		c.follower.Follow(key)
	}
	r.followers = append(r.followers, c)
	return nil
}

func (c *follower) stop() {
	c.follower.Client.Stop()
	<-c.stopped.done()
	c.http.CloseIdleConnections()
}

// caughtUp waits until the follower has the session up to its last seq by itself, and
// returns its transcript with older pages.
func (c *follower) caughtUp(ctx context.Context, s session) ([]protocol.Message, error) {
	type progress struct {
		at   protocol.Cursor
		all  []protocol.Message
		done bool
	}
	for {
		results := make(chan progress, 1)
		c.follower.Client.RunInCallback(func() {
			f := c.follower.Session(s.key)
			p := progress{at: f.Log.Cursor()}
			if f.Loaded && !f.Gone && !f.Log.Stale() && p.at.AfterSeq == s.lastSeq && p.at.Epoch == s.epoch {
				if _, more := f.Log.Oldest(); more {
					f.Earlier(nil)
				} else {
					p.all, p.done = shownMessages(f.Log), true
				}
			}
			results <- p
		})
		p := <-results
		if p.done {
			return p.all, nil
		}
		if !wait(ctx, 20*time.Millisecond) {
			return nil, fmt.Errorf("%s is at %d of %q, the session at %d of %q", c.name,
				p.at.AfterSeq, p.at.Epoch, s.lastSeq, s.epoch)
		}
	}
}

// followersOf returns the followers of a session.
func (r *run) followersOf(key string) (all []*follower) {
	for _, c := range r.followers {
		if slices.Contains(c.sessions, key) {
			all = append(all, c)
		}
	}
	return all
}
