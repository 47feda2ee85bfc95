//go:build !js

package follow

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/timeline"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func inBubble(t *testing.T, f func(t *testing.T)) {
	t.Parallel()
	synctest.Test(t, f)
}

func TestFollowsThroughLosses(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := following(t)
		f.g.add("three")
		f.wantTexts("one", "two", "three")
		for _, text := range []string{"four", "five"} {
			f.g.cut()
			f.g.add(text)
			f.pass(3 * time.Second)
		}
		f.g.add("six")
		f.wantTexts("one", "two", "three", "four", "five", "six")
		if f.loads != 1 || f.steps != 4 {
			t.Errorf("reported %d histories and %d changes", f.loads, f.steps)
		}
		f.wantRequests(0, 0)
		f.Client.Stop()
	})
}

func TestAnotherLogIsLoaded(t *testing.T) {
	t.Parallel()
	tests := map[string]func(f *testFollower){
		"reset": func(f *testFollower) { f.g.create("e2") },
		"reset while away": func(f *testFollower) {
			f.g.cut()
			f.g.create("e2")
		},
		"deleted and made anew": func(f *testFollower) {
			f.g.delete()
			f.g.create("e2")
		},
		"deleted and made anew while away": func(f *testFollower) {
			f.g.cut()
			f.g.delete()
			f.g.create("e2")
		},
	}
	for name, happen := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				f := following(t)
				happen(f)
				f.g.add("new")
				f.pass(2 * time.Second)
				f.g.add("newer")
				f.wantTexts("new", "newer")
				if f.loads < 2 || f.session().Gone {
					t.Errorf("%d histories were reported, gone %v", f.loads, f.session().Gone)
				}
				f.Client.Stop()
			})
		})
	}
}

func TestCompactedAway(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := following(t)
		f.g.cut()
		f.g.add("three", "four")
		f.g.set(func() { f.g.floor = 4 })
		f.pass(2 * time.Second)
		f.wantTexts("one", "two", "three", "four")
		f.wantRequests(1, 0)
		f.g.add("five")
		f.wantTexts("one", "two", "three", "four", "five")
		f.Client.Stop()
	})
}

func TestMissingEventsAreAskedFor(t *testing.T) {
	t.Parallel()
	lose := func(f *testFollower, texts ...string) { f.g.silently(func() { f.g.add(texts...) }) }
	t.Run("in the middle", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			f := following(t)
			lose(f, "three", "four", "five")
			f.g.add("six")
			f.pass(gapTimeout - 1)
			f.wantTexts("one", "two")
			f.pass(1)
			f.wantTexts("one", "two", "three", "four", "five", "six")
			f.wantRequests(0, 2)
			f.Client.Stop()
		})
	})
	t.Run("at the end", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			f := following(t)
			lose(f, "three")
			f.g.tick()
			f.pass(gapTimeout)
			f.wantTexts("one", "two", "three")
			f.wantRequests(0, 1)
			f.g.tick()
			f.pass(time.Minute / 2)
			f.wantRequests(0, 0)
			f.Client.Stop()
		})
	})
	t.Run("late", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			f := following(t)
			lose(f, "three")
			f.g.tick()
			f.pass(gapTimeout / 2)
			f.g.set(func() { f.g.publish(3) })
			f.pass(gapTimeout)
			f.wantTexts("one", "two", "three")
			f.wantRequests(0, 0)
			f.Client.Stop()
		})
	})
	t.Run("by the resume", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			f := following(t)
			f.g.set(func() { f.g.ignoresResume = true })
			f.g.cut()
			f.g.add("three", "four", "five")
			f.pass(firstWait)
			f.wantTexts("one", "two", "three", "four", "five")
			f.wantRequests(0, 2)
			f.Client.Stop()
		})
	})
	t.Run("and gone by now", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			f := following(t)
			lose(f, "three", "four")
			f.g.set(func() { f.g.floor = 4 })
			f.g.tick()
			f.pass(gapTimeout)
			f.wantTexts("one", "two", "three", "four")
			f.wantRequests(1, 1)
			f.Client.Stop()
		})
	})
}

// firstWait is long enough for the client to reconnect.
const firstWait = 1300 * time.Millisecond

func TestSessionThatIsNotThere(t *testing.T) {
	t.Parallel()
	t.Run("yet", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			f := newFollower(t)
			f.Follow(key)
			f.Client.Start()
			f.wantTexts()
			if s := f.session(); !s.Gone || f.loads != 1 {
				t.Fatalf("gone %v, reported %d times", s.Gone, f.loads)
			}
			f.g.create("e1")
			f.g.add("one")
			f.wantTexts("one")
			if f.session().Gone {
				t.Error("it is still gone")
			}
			f.wantRequests(1, 0)
			f.g.cut()
			f.g.add("two")
			f.pass(firstWait)
			f.wantTexts("one", "two")
			f.wantRequests(0, 0)
			f.Client.Stop()
		})
	})
	t.Run("and was made while away", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			f := newFollower(t)
			f.Client.Start()
			f.Follow(key)
			synctest.Wait()
			f.g.cut()
			f.g.create("e1")
			f.g.add("one")
			f.pass(firstWait)
			f.wantTexts("one")
			f.Client.Stop()
		})
	})
	t.Run("any more", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			f := following(t)
			f.g.delete()
			f.wantTexts()
			if !f.session().Gone || f.loads != 2 {
				t.Error("that it is gone was not reported")
			}
			f.g.cut()
			f.pass(firstWait)
			f.wantTexts()
			f.Client.Stop()
		})
	})
	t.Run("after a loss", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			f := following(t)
			f.g.cut()
			f.g.delete()
			f.pass(firstWait)
			f.wantTexts()
			if !f.session().Gone {
				t.Error("it is not gone")
			}
			f.Client.Stop()
		})
	})
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	t.Run("for now", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			f := newFollower(t)
			f.g.create("e1")
			f.g.add("one")
			f.g.set(func() { f.g.refuse[protocol.MethodChatHistory] = protocol.Exhausted("too fast", 5000) })
			f.Client.Start()
			f.Follow(key)
			f.wantTexts()
			f.pass(5*time.Second - 1)
			f.wantRequests(1, 0)
			f.g.grant(protocol.MethodChatHistory)
			f.pass(1)
			f.wantTexts("one")
			f.wantRequests(1, 0)
			f.Client.Stop()
		})
	})
	t.Run("of a replay, for now", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			f := following(t)
			f.g.set(func() {
				f.g.refuse[protocol.MethodChatReplay] = &protocol.Error{Code: protocol.Unavailable,
					Retryable: true}
			})
			f.g.silently(func() { f.g.add("three") })
			f.g.tick()
			f.pass(gapTimeout)
			f.g.grant(protocol.MethodChatReplay)
			f.pass(minBackoff + gapTimeout)
			f.wantTexts("one", "two", "three")
			f.wantRequests(0, 2)
			f.Client.Stop()
		})
	})
	t.Run("of a replay, by one that knows none", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			f := following(t)
			f.g.set(func() {
				f.g.refuse[protocol.MethodChatReplay] = protocol.Refuse(protocol.InvalidRequest,
					"unknown method: chat.replay")
			})
			f.g.silently(func() { f.g.add("three") })
			f.g.tick()
			f.pass(gapTimeout)
			f.wantTexts("one", "two", "three")
			f.wantRequests(1, 1)
			f.Client.Stop()
		})
	})
	t.Run("for good", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			f := newFollower(t)
			f.g.create("e1")
			f.g.add("one")
			f.g.set(func() {
				f.g.refuse[protocol.MethodChatHistory] = protocol.Refuse(protocol.Forbidden,
					"session does not belong to user")
			})
			f.Client.Start()
			f.Follow(key)
			f.pass(time.Minute / 2)
			f.wantRequests(1, 0)
			if s := f.session(); s.Err == nil || s.Err.Code != protocol.Forbidden || f.loads != 1 {
				t.Fatalf("error %v", s.Err)
			}
			f.g.grant(protocol.MethodChatHistory)
			f.g.cut()
			f.pass(firstWait)
			f.wantTexts("one")
			if f.session().Err != nil {
				t.Error("the error is still there")
			}
			f.Client.Stop()
		})
	})
}

func TestUnfollow(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := following(t)
		f.g.silently(func() { f.g.add("three") })
		f.g.add("four") // a gap is known
		synctest.Wait()
		reported := f.loads + f.steps
		f.Unfollow(key)
		f.g.add("five")
		f.pass(time.Minute / 2)
		f.g.cut()
		f.pass(firstWait)
		if f.loads+f.steps != reported {
			t.Error("reported a session that nobody follows")
		}
		f.wantRequests(0, 0)
		f.Follow(key)
		f.wantTexts("one", "two", "three", "four", "five")
		f.Client.Stop()
	})
}

func TestEarlier(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := newFollower(t)
		f.g.set(func() { f.g.pages = 2 })
		f.g.create("e1")
		f.g.add("one", "two", "three", "four", "five")
		f.Client.Start()
		f.Follow(key)
		f.wantTexts("four", "five")
		for range 3 {
			f.Client.RunInCallback(func() {
				f.Session(key).Earlier(nil)
				f.Session(key).Earlier(nil) // under way already
			})
			synctest.Wait()
		}
		f.wantTexts("one", "two", "three", "four", "five")
		f.wantRequests(3, 0)
		f.Client.Stop()
	})
}

// The sessions that were followed last are resumed first, and the program's own callbacks
// are called as without a Follower.
func TestOrderAndOwnCallbacks(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		g := newFakeGateway()
		states, events := 0, 0
		f := New(client.Options{
			Transport: g,
			OnState:   func(client.State) { states++ },
			OnEvent:   func(protocol.Frame) { events++ },
		}, func(*Session, []timeline.Change) {})
		g.create("e1")
		f.Client.Start()
		for _, k := range []string{"a", key, "b", key, "c"} {
			f.Follow(k)
		}
		synctest.Wait()
		var order []string
		f.Client.RunInCallback(func() {
			for _, c := range f.sessions.Cursors() {
				order = append(order, c.SessionKey)
			}
		})
		if len(order) != 4 || order[0] != "c" || order[1] != key || order[2] != "b" || order[3] != "a" {
			t.Errorf("resumes %q", order)
		}
		g.tick()
		synctest.Wait()
		if states != 2 || events != 1 {
			t.Errorf("reported %d states and %d events", states, events)
		}
		f.Client.Stop()
	})
}
