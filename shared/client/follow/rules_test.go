//go:build !js

package follow

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/timeline"
)

// inCallback calls do with the sessions, in a callback.
func (f *testFollower) inCallback(do func(all *Sessions)) {
	f.Client.RunInCallback(func() { do(&f.sessions) })
	synctest.Wait()
}

// addSilently adds messages whose events are not sent.
func (f *testFollower) addSilently(texts ...string) { f.g.silently(func() { f.g.add(texts...) }) }

func TestRestingSession(t *testing.T) {
	t.Parallel()
	rest := func(all *Sessions) { all.SetBackground(key) }
	followAnew := func(all *Sessions) { all.Follow(key, OwnSession) }
	t.Run("goes on with events and replays", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			f := following(t)
			f.inCallback(rest)
			f.g.add("three")
			f.g.cut()
			f.g.add("four")
			f.pass(firstWait)
			f.wantTexts("one", "two", "three", "four")
			f.addSilently("five")
			f.g.tick()
			f.pass(gapTimeout)
			f.wantTexts("one", "two", "three", "four", "five")
			f.wantRequests(0, 1)
			f.inCallback(followAnew)
			f.wantRequests(0, 0)
			f.Client.Stop()
		})
	})
	for name, happen := range map[string]func(f *testFollower){
		"reset":                  func(f *testFollower) { f.g.create("e2") },
		"reset while away":       func(f *testFollower) { f.g.cut(); f.g.create("e2") },
		"a cursor not mentioned": func(f *testFollower) { f.g.set(func() { f.g.ignoresResume = true }); f.g.cut() },
	} {
		t.Run("is loaded after "+name+" when it is followed anew", func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				f := following(t)
				f.inCallback(rest)
				happen(f)
				f.g.add("new")
				f.pass(firstWait)
				f.g.add("newer") // which is not kept for later
				f.g.tick()
				f.pass(time.Minute / 2)
				f.wantRequests(0, 0)
				f.wantTexts()
				s := f.session()
				if _, gap := s.Log.Gap(); s.Loaded || gap {
					t.Errorf("loaded %v, events held back for nobody %v", s.Loaded, gap)
				}
				f.inCallback(followAnew)
				f.wantRequests(1, 0)
				var want []string
				for _, m := range f.g.fold().Messages() {
					want = append(want, m.Content)
				}
				f.wantTexts(want...)
				f.Client.Stop()
			})
		})
	}
}

// If the gateway says that a session does not exist, nothing is requested.
func TestGoneAsksNothing(t *testing.T) {
	t.Parallel()
	for name, happen := range map[string]func(f *testFollower){
		"deleted": func(f *testFollower) { f.g.delete() },
		"deleted while away": func(f *testFollower) {
			f.g.cut()
			f.g.delete()
			f.pass(firstWait)
		},
		"deleted, and the event is lost": func(f *testFollower) {
			f.addSilently("three")
			f.g.tick()
			f.g.set(func() {
				f.g.refuse[protocol.MethodChatReplay] = protocol.Refuse(protocol.NotFound,
					"no such session")
			})
			f.pass(gapTimeout)
			f.g.grant(protocol.MethodChatReplay)
			f.wantRequests(0, 1)
			f.g.set(func() { f.g.epoch, f.g.log = "", nil })
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				f := following(t)
				happen(f)
				f.wantTexts()
				if s := f.session(); !s.Gone || !s.Loaded || f.loads != 2 {
					t.Errorf("gone %v, loaded %v, reported %d times", s.Gone, s.Loaded, f.loads)
				}
				f.pass(12 * time.Second) // after which the client reconnects as fast as before
				f.g.cut()
				f.pass(firstWait)
				if f.loads != 2 {
					t.Error("that it is gone was reported twice")
				}
				f.pass(12 * time.Second)
				f.g.cut()
				f.g.create("e2")
				f.g.add("anew")
				f.pass(firstWait)
				f.wantTexts("anew")
				if f.session().Gone || f.loads != 3 {
					t.Errorf("it is still gone; reported %d times", f.loads)
				}
				f.wantRequests(0, 0)
				f.Client.Stop()
			})
		})
	}
}

// An answer may be out of date when it arrives.
func TestAnswersThatAreOutOfDate(t *testing.T) {
	t.Parallel()
	begin := func(t *testing.T) *testFollower {
		f := newFollower(t)
		f.g.set(func() { f.g.delayed = protocol.MethodChatHistory })
		f.Client.Start()
		f.Follow(key)
		synctest.Wait()
		return f
	}
	t.Run("not found, and made meanwhile", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			f := begin(t)
			f.g.create("e1")
			f.g.add("one")
			f.g.release()
			f.wantTexts("one")
			if s := f.session(); s.Gone || !s.Loaded {
				t.Errorf("gone %v, loaded %v", s.Gone, s.Loaded)
			}
			f.wantRequests(2, 0)
			f.Client.Stop()
		})
	})
	t.Run("not found, and a message was taken meanwhile", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			f := begin(t)
			f.g.silently(func() { f.g.create("e1"); f.g.add("one") })
			f.inCallback(func(all *Sessions) { all.Find(key).Confirm() })
			f.g.release()
			f.wantTexts("one")
			f.wantRequests(2, 0)
			f.Client.Stop()
		})
	})
	t.Run("a history, and deleted meanwhile", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			f := newFollower(t)
			f.g.create("e1")
			f.g.add("one")
			f.g.set(func() { f.g.delayed = protocol.MethodChatHistory })
			f.Client.Start()
			f.Follow(key)
			synctest.Wait()
			f.g.delete()
			f.g.release()
			f.wantTexts()
			if !f.session().Gone {
				t.Error("it is not gone")
			}
			f.wantRequests(1, 0)
			f.Client.Stop()
		})
	})
	t.Run("a history that events have passed", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			f := newFollower(t)
			f.g.create("e1")
			f.g.add("one")
			f.g.set(func() { f.g.delayed = protocol.MethodChatHistory })
			f.Client.Start()
			f.Follow(key)
			synctest.Wait()
			// does not cancel the request
			f.inCallback(func(all *Sessions) { all.SetBackground(key) })
			f.g.add("two", "three")
			f.g.release()
			f.wantTexts("one", "two", "three")
			f.wantRequests(1, 1)
			f.Client.Stop()
		})
	})
	t.Run("a replay of an earlier connection", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			f := following(t)
			f.g.set(func() { f.g.delayed = protocol.MethodChatReplay })
			f.addSilently("three")
			f.g.tick()
			f.pass(gapTimeout)
			f.wantRequests(0, 1)
			f.g.cut()
			f.pass(firstWait)
			f.wantTexts("one", "two", "three")
			f.g.release()
			f.addSilently("four")
			f.g.tick()
			f.pass(gapTimeout)
			f.wantTexts("one", "two", "three", "four")
			f.wantRequests(0, 1)
			f.Client.Stop()
		})
	})
}

// Requests that fail or bring nothing are made less and less often.
func TestWaitsGrow(t *testing.T) {
	t.Parallel()
	unavailable := &protocol.Error{Code: protocol.Unavailable, Retryable: true}
	t.Run("after refusals for now", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			f := newFollower(t)
			f.g.create("e1")
			f.g.set(func() { f.g.refuse[protocol.MethodChatHistory] = unavailable })
			f.Client.Start()
			f.Follow(key)
			f.wantRequests(1, 0)
			for _, d := range []time.Duration{1, 2, 4, 8, 16, 30, 30, 30} {
				f.pass(d*time.Second - 1)
				f.wantRequests(0, 0)
				f.pass(1)
				f.wantRequests(1, 0)
			}
			f.g.add("one") // does not make the next request earlier
			f.g.tick()
			f.wantRequests(0, 0)
			f.g.grant(protocol.MethodChatHistory)
			f.pass(30 * time.Second)
			f.wantTexts("one")
			f.wantRequests(1, 0)
			f.g.create("e2") // the next wait would be the shortest again
			f.wantRequests(1, 0)
			f.Client.Stop()
		})
	})
	t.Run("after replays that bring nothing", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			f := following(t)
			f.g.set(func() { f.g.ahead = 1 })
			f.g.tick()
			for _, d := range []time.Duration{2, 4, 8, 16, 30, 30} {
				f.pass(d*time.Second - 1)
				f.wantRequests(0, 0)
				f.pass(1)
				f.wantRequests(0, 1)
			}
			f.g.set(func() { f.g.ahead = 0 })
			f.g.add("three")
			f.wantTexts("one", "two", "three")
			f.addSilently("four")
			f.g.tick()
			f.pass(gapTimeout)
			f.wantTexts("one", "two", "three", "four")
			f.Client.Stop()
		})
	})
	t.Run("after histories that bring nothing", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			f := following(t)
			f.g.set(func() {
				f.g.refuse[protocol.MethodChatReplay] = protocol.Refuse(protocol.InvalidRequest,
					"unknown method: chat.replay")
				f.g.ahead = 1
			})
			f.g.tick()
			for _, d := range []time.Duration{2, 4, 8, 16, 30, 30} {
				f.pass(d*time.Second - 1)
				f.wantRequests(0, 0)
				f.pass(1)
				f.wantRequests(1, 1)
			}
			f.Client.Stop()
		})
	})
}

// While the gateway refuses requests (RESOURCE_EXHAUSTED), no session makes one, also not
// on a new connection.
func TestRateLimitHoldsForAllSessions(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		g := newFakeGateway()
		f := New(client.Options{Transport: g}, func(*Session, []timeline.Change) {})
		g.create("e1")
		g.set(func() { g.refuse[protocol.MethodChatHistory] = protocol.Exhausted("too fast", 60_000) })
		f.Client.Start()
		f.Follow("first")
		synctest.Wait()
		f.Follow(key)
		f.Follow("another")
		synctest.Wait()
		g.cut()
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if n := g.takeCount(protocol.MethodChatHistory); n != 1 {
			t.Errorf("%d histories were asked for in the pause", n)
		}
		g.grant(protocol.MethodChatHistory)
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if n := g.takeCount(protocol.MethodChatHistory); n != 3 {
			t.Errorf("%d histories were asked for after it, want 3", n)
		}
		f.Client.Stop()
	})
}

// If the gateway does not answer a cursor, events may be missing. The replay that finds
// out is retried when it fails for now.
func TestReplayOfAnUnmentionedCursorIsNotForgotten(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := following(t)
		f.g.set(func() {
			f.g.ignoresResume = true
			f.g.refuse[protocol.MethodChatReplay] = &protocol.Error{Code: protocol.Unavailable,
				Retryable: true}
		})
		f.g.cut()
		f.g.add("three")
		f.pass(firstWait)
		f.wantTexts("one", "two")
		f.g.grant(protocol.MethodChatReplay)
		f.pass(minBackoff)
		f.wantTexts("one", "two", "three")
		f.wantRequests(0, 2)
		f.Client.Stop()
	})
}

// After a refusal for good, nothing is requested until the session is followed again.
func TestRefusedForGoodIsTriedWhenFollowedAnew(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := newFollower(t)
		f.g.create("e1")
		f.g.set(func() {
			f.g.refuse[protocol.MethodChatHistory] = protocol.Refuse(protocol.Forbidden,
				"not yours")
		})
		f.Client.Start()
		f.Follow(key)
		f.wantRequests(1, 0)
		f.g.add("one")
		f.g.create("e2")
		f.g.add("two")
		f.g.tick()
		f.pass(time.Minute / 2)
		f.wantRequests(0, 0)
		f.g.grant(protocol.MethodChatHistory)
		f.Follow(key)
		f.wantTexts("two")
		if f.session().Err != nil {
			t.Error("the error is still there")
		}
		f.Client.Stop()
	})
}

func TestNewSessionAsksNothing(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := newFollower(t)
		f.Client.Start()
		f.inCallback(func(all *Sessions) { all.Follow(key, NewSession) })
		f.g.cut()
		f.pass(firstWait)
		f.g.create("e1")
		f.g.add("one")
		f.wantTexts("one")
		if f.session().Gone {
			t.Error("it is gone")
		}
		f.wantRequests(0, 0)
		f.Client.Stop()
	})
}

// Events of another user's session arrive on a connection that has asked for them, by its
// cursor or by chat.watch.
func TestWatch(t *testing.T) {
	t.Parallel()
	watching := func(t *testing.T) *testFollower {
		f := newFollower(t)
		f.g.create("e1")
		f.g.add("one", "two")
		f.Client.Start()
		f.Watch(key)
		f.wantTexts("one", "two")
		f.wantRequests(1, 0)
		f.wantWatches(1)
		return f
	}
	t.Run("through a loss", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			f := watching(t)
			f.g.cut()
			f.g.add("three")
			f.pass(firstWait)
			f.wantTexts("one", "two", "three")
			f.wantRequests(0, 0)
			f.wantWatches(0)
			f.Client.Stop()
		})
	})
	t.Run("when its cursor is not mentioned", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			f := watching(t)
			f.g.set(func() { f.g.ignoresResume = true })
			f.g.cut()
			f.g.add("three")
			f.pass(firstWait)
			f.wantTexts("one", "two", "three")
			f.wantRequests(0, 0)
			f.wantWatches(1)
			f.Client.Stop()
		})
	})
	t.Run("after a reset", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			f := watching(t)
			f.g.cut()
			f.g.create("e2")
			f.g.add("new")
			f.pass(firstWait)
			f.wantTexts("new")
			f.wantRequests(1, 0)
			f.wantWatches(1)
			f.Client.Stop()
		})
	})
	t.Run("refused for good", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			f := newFollower(t)
			f.g.create("e1")
			f.g.add("one")
			f.g.set(func() {
				f.g.refuse[protocol.MethodChatWatch] = protocol.Refuse(protocol.Forbidden,
					"admins only")
			})
			f.Client.Start()
			f.Watch(key)
			f.wantTexts("one")
			if s := f.session(); s.Err == nil || !s.Loaded {
				t.Errorf("error %v, loaded %v", s.Err, s.Loaded)
			}
			f.pass(time.Minute)
			f.wantWatches(1)
			f.Client.Stop()
		})
	})
	t.Run("no more", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			f := watching(t)
			f.Unfollow(key)
			synctest.Wait()
			if n := f.g.takeCount(protocol.MethodChatUnwatch); n != 1 {
				t.Errorf("unwatched %d times", n)
			}
			f.Client.Stop()
		})
	})
}

// wantWatches fails the test unless chat.watch was called that often since the last call.
func (f *testFollower) wantWatches(want int) {
	f.Helper()
	synctest.Wait()
	if n := f.g.takeCount(protocol.MethodChatWatch); n != want {
		f.Fatalf("chat.watch was called %d times, want %d", n, want)
	}
}

func TestTrim(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := following(t)
		f.inCallback(func(all *Sessions) {
			s := all.Find(key)
			all.Trim(0)
			if all.Find(key) != nil || s.Loaded || len(s.Log.Messages()) > 0 || len(all.Cursors()) > 0 {
				t.Error("it is still followed")
			}
		})
		f.g.add("three")
		f.g.cut()
		f.pass(firstWait)
		f.wantRequests(0, 0)
		f.Client.Stop()
	})
}

// Nothing is requested while missing events arrive, however slowly.
func TestPatienceWithSlowEvents(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := following(t)
		f.addSilently("three", "four", "five", "six")
		f.g.tick()
		for _, e := range f.g.log[3:6] {
			f.pass(gapTimeout - time.Millisecond)
			f.g.set(func() { f.g.socket.write(protocol.AppendEvent(nil, e.Name, e.Payload, e.Seq)) })
			f.wantRequests(0, 0)
		}
		f.wantTexts("one", "two", "three", "four", "five")
		f.pass(2 * gapTimeout)
		f.wantTexts("one", "two", "three", "four", "five", "six")
		f.wantRequests(0, 1)
		f.Client.Stop()
	})
}

// An older page is requested only by Earlier, also after an error.
func TestEarlierThatFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		happen func(f *testFollower)
		code   protocol.Code
	}{
		"refused": {func(f *testFollower) {
			f.g.set(func() {
				f.g.refuse[protocol.MethodChatHistory] = protocol.Refuse(protocol.Forbidden,
					"not yours")
			})
		}, protocol.Forbidden},
		"another log meanwhile": {func(f *testFollower) { f.g.set(func() { f.g.delayed = protocol.MethodChatHistory }) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				f := newFollower(t)
				f.g.set(func() { f.g.pages = 2 })
				f.g.create("e1")
				f.g.add("one", "two", "three")
				f.Client.Start()
				f.Follow(key)
				f.wantTexts("two", "three")
				f.wantRequests(1, 0)
				tt.happen(f)
				done, code := 0, protocol.Code("")
				f.inCallback(func(all *Sessions) {
					s := all.Find(key)
					s.Earlier(func(err *protocol.Error) {
						if done++; err != nil {
							code = err.Code
						}
					})
					if !s.LoadingEarlier {
						t.Error("it is not said to be loading")
					}
				})
				if f.g.delayed != "" {
					f.g.create("e2")
					f.g.release()
					synctest.Wait()
				}
				f.pass(time.Minute / 2)
				if s := f.session(); done != 1 || code != tt.code || s.LoadingEarlier || s.Err != nil {
					t.Errorf("done %d times, with %q; loading %v, error %v", done, code, s.LoadingEarlier, s.Err)
				}
				if name == "refused" {
					f.wantTexts("two", "three")
					f.wantRequests(1, 0)
				} else {
					f.wantTexts()
				}
				f.Client.Stop()
			})
		})
	}
}
