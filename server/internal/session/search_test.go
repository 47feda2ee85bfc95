package session_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/setting"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/storetest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// longList is a store with a list of sessions that nobody has stored. Only what a search
// needs works.
type longList struct {
	session.Store
	session.Tx
	labels  []string        // of the sessions, in the order of the list
	looking func(views int) // is called in each transaction
	views   atomic.Int64    // transactions so far
	looked  int             // candidates in all
	most    int             // candidates of one transaction
}

func (l *longList) View(ctx context.Context, fn func(session.Tx) error) error {
	if l.views.Add(1); l.looking != nil {
		l.looking(int(l.views.Load()))
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return fn(l)
}

// The id of a session counts down to 1.
func (l *longList) Candidates(q session.List) (list []session.Candidate, err error) {
	first := 0
	if q.After != nil {
		first = len(l.labels) - int(q.After.ID) + 1
	}
	for i := first; i < min(first+q.Limit, len(l.labels)); i++ {
		c := session.Candidate{Label: l.labels[i], Key: fmt.Sprint("key-", i), UserID: "ann"}
		c.ID = int64(len(l.labels) - i)
		list = append(list, c)
	}
	l.looked += len(list)
	l.most = max(l.most, len(list))
	return list, nil
}

func (l *longList) SessionByID(id int64) (session.Record, error) {
	return session.Record{ID: id, Key: fmt.Sprint("key-", len(l.labels)-int(id))}, nil
}

func (l *longList) Sessions(session.List) ([]session.Record, error) {
	return []session.Record{{Key: "cheap"}}, nil
}

func (l *longList) service() *session.Service {
	return session.New(l, storetest.DiscardEvents{}, setting.Fixed(session.Settings{}))
}

func labels(n int, special map[int]string) []string {
	list := slices.Repeat([]string{strings.Repeat("a", protocol.MaxLabelLength)}, n)
	for i, label := range special {
		list[i] = label
	}
	return list
}

func keysOf(list []session.Record) (keys []string) {
	for _, r := range list {
		keys = append(keys, r.Key)
	}
	return keys
}

// A search looks at a bounded number of sessions for one page, and at few of them in one
// transaction. The pages together find everything.
func TestSearchIsBounded(t *testing.T) {
	t.Parallel()
	l := &longList{labels: labels(250_001, map[int]string{7: "here", 999: "HERE", 1000: "there", 150_000: "here", 250_000: "here"})}
	service := l.service()
	q := session.List{Reader: "ann", UserID: "ann", Query: "here", Limit: 2}
	var pages [][]string
	for {
		before := l.looked
		page, err := service.List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, keysOf(page.Sessions))
		if n := l.looked - before; n > 100_000 || l.most > 1000 {
			t.Errorf("a page has looked at %d sessions, a transaction at up to %d", n, l.most)
		}
		if q.After = page.Next; q.After == nil {
			break
		}
	}
	want := [][]string{{"key-7", "key-999"}, {"key-1000"}, {"key-150000"}, {"key-250000"}}
	if fmt.Sprint(pages) != fmt.Sprint(want) {
		// Where a page ends depends on what it has looked at; what is found does not.
		t.Errorf("found %v, want %v", pages, want)
	}
}

// A search that takes long gives what it has found so far, and where to go on.
func TestSearchHasADeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &longList{labels: labels(50_000, map[int]string{3: "here", 49_999: "here"})}
		l.looking = func(int) { time.Sleep(time.Second / 2) }
		service := l.service()
		began := time.Now()
		page, err := service.List(t.Context(), session.List{Reader: "ann", Query: "here", Limit: 9})
		if took := time.Since(began); err != nil || took > 3*time.Second || page.Next == nil ||
			len(page.Sessions) != 1 {
			t.Errorf("after %v: %v, %v, %v", took, page.Sessions, page.Next, err)
		}
	})
}

// While a user's search is under way, the user's next search waits, and lists and the
// searches of others do not: the bound on all users is that of package turn.
func TestSearchesTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		l := &longList{labels: labels(10, nil)}
		l.looking = func(views int) {
			if views == 1 {
				<-release
			}
		}
		service := l.service()
		ended := make(chan error, 2)
		for range 2 {
			go func() {
				_, err := service.List(t.Context(), session.List{Reader: "greedy", Query: "x", Limit: 1})
				ended <- err
			}()
		}
		synctest.Wait()
		if n := l.views.Load(); n != 1 {
			t.Errorf("%d searches of one user are under way", n)
		}
		page, err := service.List(t.Context(), session.List{Reader: "ann", UserID: "ann", Limit: 9})
		if err != nil || len(page.Sessions) != 1 {
			t.Errorf("another user's list: %v, %v", page.Sessions, err)
		}
		if _, err := service.List(t.Context(), session.List{Reader: "greedy", UserID: "greedy", Limit: 9}); err != nil {
			t.Errorf("the user's own list: %v", err)
		}
		close(release)
		for range 2 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	})
}

// A search ends when its caller has gone.
func TestSearchEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, leave := context.WithCancel(t.Context())
	l := &longList{labels: labels(50_000, nil)}
	l.looking = func(views int) {
		if views == 3 {
			leave()
		}
	}
	if _, err := l.service().List(ctx, session.List{Reader: "ann", Query: "x", Limit: 9}); err == nil ||
		l.views.Load() != 3 {
		t.Errorf("%v after %d transactions", err, l.views.Load())
	}
}

func TestSearchFindsPartsOfLabels(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	for key, label := range map[string]string{
		"percent": "100% sure", "number": "1000 sure", "underscore": "a_b", "letter": "axb",
		"backslash": `C:\temp`, "upper": "HELLO There", "quote": `it's "it"`, "umlaut": "Ärger in Łódź",
	} {
		h.send(t, ann, key, "Hi")
		if _, err := h.Patch(t.Context(), ann.To(key), &label, nil); err != nil {
			t.Fatal(err)
		}
	}
	h.send(t, ben, "bens-key", "hello there")
	for _, c := range []struct {
		query session.List
		want  []string
	}{
		{session.List{UserID: "ann", Query: "100%"}, []string{"percent"}},
		{session.List{UserID: "ann", Query: "%"}, []string{"percent"}},
		{session.List{UserID: "ann", Query: "sure"}, []string{"number", "percent"}},
		{session.List{UserID: "ann", Query: "_"}, []string{"underscore"}},
		{session.List{UserID: "ann", Query: "a_b"}, []string{"underscore"}},
		{session.List{UserID: "ann", Query: `\t`}, []string{"backslash"}},
		{session.List{UserID: "ann", Query: "hello"}, []string{"upper"}},
		{session.List{UserID: "ann", Query: "THERE"}, []string{"upper"}},
		{session.List{UserID: "ann", Query: `"it"`}, []string{"quote"}},
		{session.List{UserID: "ann", Query: "ärger IN łó"}, []string{"umlaut"}},
		{session.List{UserID: "ann", Query: "absent"}, nil},
		{session.List{UserID: "ann", Query: "umlaut"}, nil},
		{session.List{UserID: "ann", Query: "umlaut", Wide: true}, []string{"umlaut"}},
		{session.List{Query: "there"}, []string{"bens-key", "upper"}},
		{session.List{Query: "BEN", Wide: true}, []string{"bens-key"}},
		{session.List{AgentID: "none"}, nil},
		{session.List{UserID: "ann", AgentID: "demo", Query: "sure"}, []string{"number", "percent"}},
		{session.List{UserID: "ann", AgentID: "DEMO", Query: "sure"}, nil},
	} {
		c.query.Limit = 9
		page, err := h.List(t.Context(), c.query)
		found := keysOf(page.Sessions)
		slices.Sort(found)
		if err != nil || page.Next != nil || !slices.Equal(found, c.want) {
			t.Errorf("%+v: %v, %v, want %v", c.query, found, err, c.want)
		}
	}
}
