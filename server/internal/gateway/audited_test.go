package gateway_test

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/gateway"
	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/server/internal/media"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// unaudited are the methods for admins that are not audited: they only read data of the
// gateway itself, or do nothing.
var unaudited = []string{
	protocol.MethodDeviceList, protocol.MethodKeysList, protocol.MethodClientsList,
	protocol.MethodAuditList, protocol.MethodChatUnwatch,
}

// lines gives the log but for sign-ins, oldest first.
func (h *testGateway) lines(t testing.TB) []protocol.AuditEntry {
	t.Helper()
	list, err := h.Audit.List(context.Background(), audit.Filter{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	list = slices.DeleteFunc(list, func(e protocol.AuditEntry) bool { return e.Action == audit.SignIn })
	slices.Reverse(list)
	return list
}

// TestEveryActOfAnAdminIsAudited calls each method as an admin, on another user's session
// if the method is about a session.
func TestEveryActOfAnAdminIsAudited(t *testing.T) {
	t.Parallel()
	h := newTestGateway(t, httpdtest.Options{})
	owner, admin := h.member(t, protocol.Operator, "owner"), h.admin(t, "boss")
	open(owner, "theirs")
	seen := map[string]string{} // by action: its method
	for _, m := range gateway.Methods() {
		if m.Least != protocol.Admin && !m.Session {
			continue
		}
		before := len(h.lines(t))
		u := useOf(t, m)
		switch {
		case u.admin != "":
			admin.Refused(u.admin, "", m.Name, u.params)
		default:
			admin.OK(m.Name, u.params)
		}
		told := h.lines(t)[before:]
		if slices.Contains(unaudited, m.Name) {
			if len(told) > 0 {
				t.Errorf("of %s it tells %+v", m.Name, told)
			}
			continue
		}
		if len(told) == 0 && seen[audit.SessionRead] != "" && m.Least == protocol.Viewer {
			continue // a line tells of it already
		}
		if len(told) != 1 {
			t.Errorf("of %s it tells %+v", m.Name, told)
			continue
		}
		e := told[0]
		outcome := protocol.AuditDone
		if u.admin != "" {
			outcome = protocol.AuditFailed
		}
		if e.UserID != "boss" || e.Role != protocol.Admin || e.Via != "token" ||
			e.Address != "127.0.0.1" || e.Outcome != outcome {
			t.Errorf("of %s it tells %+v", m.Name, e)
		}
		if m.Session && (e.Target != "session:theirs" || !strings.HasPrefix(e.Detail, "of owner")) {
			t.Errorf("of %s it tells %+v", m.Name, e)
		}
		if u.admin != "" && !strings.Contains(e.Detail, string(u.admin)) {
			t.Errorf("why %s failed is %q", m.Name, e.Detail)
		}
		if other := seen[e.Action]; other != "" || !slices.Contains(audit.Actions(), e.Action) {
			t.Errorf("%s is told of as %s, as is %q", m.Name, e.Action, other)
		}
		seen[e.Action] = m.Name
		if m.Name == protocol.MethodSessionsDelete {
			open(owner, "theirs")
		}
	}
}

// What people do with their own sessions is their own business, admins included.
func TestOwnSessionsAreNotTold(t *testing.T) {
	t.Parallel()
	h := newTestGateway(t, httpdtest.Options{})
	for _, c := range []*client{h.member(t, protocol.Operator, "user"), h.admin(t, "user")} {
		open(c, "theirs")
		for _, m := range gateway.Methods() {
			if m.Session {
				c.Call(m.Name, useOf(t, m).params)
			}
		}
		c.OK(protocol.MethodSessionsList, `{"userId":"user"}`)
	}
	if told := h.lines(t); len(told) > 0 {
		t.Errorf("it tells %+v", told)
	}
}

// An admin who resumes in another user's session reads it; a run is somebody
// else's too, whoever names it alone.
func TestOtherWaysIntoASession(t *testing.T) {
	t.Parallel()
	h := newTestGateway(t, httpdtest.Options{})
	owner := h.member(t, protocol.Operator, "owner")
	var sent protocol.ChatSendResult
	owner.Read(owner.OK(protocol.MethodChatSend, `{"message":"echo x","sessionKey":"theirs"}`), &sent)
	admin := h.dial(t, nil)
	admin.OK(protocol.MethodConnect, `{"token":"`+httpdtest.Token+`","user_id":"boss","resume":[
		{"sessionKey":"theirs","afterSeq":0},{"sessionKey":"none","afterSeq":0}]}`)
	admin.OK(protocol.MethodChatAbort, `{"runId":"`+sent.RunID+`"}`)
	admin.OK(protocol.MethodSessionsList, `{"userId":"owner"}`)
	admin.OK(protocol.MethodSessionsList, `{"all":true}`)
	admin.OK(protocol.MethodSessionsList, `{"all":true}`)
	var told []string
	for _, e := range h.lines(t) {
		told = append(told, e.Action+" "+e.Target)
	}
	want := []string{"session.read session:theirs", "session.abort session:theirs",
		"sessions.list user:owner", "sessions.list everybody"}
	if !slices.Equal(told, want) {
		t.Errorf("it tells %q, want %q", told, want)
	}
}

// What made a key and what ended it name the same one; what it opens with is in
// neither.
func TestKeysAreToldById(t *testing.T) {
	t.Parallel()
	h := newTestGateway(t, httpdtest.Options{})
	admin := h.admin(t, "boss")
	var made protocol.KeysCreateResult
	admin.Read(admin.OK(protocol.MethodKeysCreate,
		`{"name":"Nightly","userId":"reports","role":"viewer","expiresIn":2592000}`), &made)
	admin.OK(protocol.MethodKeysRevoke, `{"id":"`+made.ID+`"}`)
	admin.Refused(protocol.InvalidRequest, "", protocol.MethodKeysCreate,
		`{"name":"Nightly","userId":"reports","role":"king"}`)
	told := h.lines(t)
	if len(told) != 3 {
		t.Fatalf("it tells %+v", told)
	}
	for i, action := range []string{audit.KeyCreate, audit.KeyRevoke} {
		if e := told[i]; e.Action != action || e.Target != "key:"+made.ID ||
			e.Outcome != protocol.AuditDone {
			t.Errorf("it tells %+v", e)
		}
	}
	if want := "prefix " + made.Prefix +
		", user reports, name Nightly, role viewer, expires in 30 d"; told[0].Detail != want {
		t.Errorf("it tells %q, want %q", told[0].Detail, want)
	}
	if e := told[2]; e.Outcome != protocol.AuditFailed || e.Target == told[0].Target {
		t.Errorf("of a key that was not made it tells %+v", e)
	}
	if text := fmt.Sprint(told) + h.Log.String(); strings.Contains(text, made.Key) {
		t.Error("the key itself is told")
	}
}

// An admin who sends somebody else's file has read it, and shows it to others.
func TestFilesOfOthersAreTold(t *testing.T) {
	t.Parallel()
	var set atomic.Bool
	h := newTestGateway(t, httpdtest.Options{Audit: func(s audit.Store) audit.Store {
		return full{s,
			&set}
	}})
	upload := func(user, name string) media.File {
		f, err := h.Media.Upload(t.Context(), session.Caller{UserID: user, Role: protocol.Operator},
			func() (string, io.Reader, error) {
				return name, strings.NewReader("hello"), nil
			})
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	theirs, own := upload("zoe", "theirs.txt"), upload("boss", "own.txt")
	admin := h.admin(t, "boss")
	send := func(f ...media.File) string {
		var list []string
		for _, f := range f {
			list = append(list, `{"path":"`+f.Path()+`"}`)
		}
		return `{"sessionKey":"k","media":[` + strings.Join(list, ",") + `]}`
	}
	admin.OK(protocol.MethodChatSend, send(own))
	if told := h.lines(t); len(told) > 0 {
		t.Errorf("of their own file it tells %+v", told)
	}
	set.Store(true)
	admin.Refused(protocol.Unavailable, "audit log", protocol.MethodChatSend, send(theirs))
	set.Store(false)
	admin.OK(protocol.MethodChatSend, send(own, theirs))
	admin.Refused(protocol.FailedPrecondition, "another session", protocol.MethodChatSend,
		strings.Replace(send(theirs), `"k"`, `"l"`, 1))
	told := h.lines(t)
	if len(told) != 2 || told[0].Outcome != protocol.AuditDone ||
		told[1].Outcome != protocol.AuditFailed {
		t.Fatalf("it tells %+v", told)
	}
	if e := told[0]; e.Action != audit.MediaAttach || e.UserID != "boss" ||
		e.Target != audit.Media(theirs.ID) || e.Detail != "theirs.txt of zoe, to k" {
		t.Errorf("it tells %+v", e)
	}
}

func TestSignInByTokenIsTold(t *testing.T) {
	t.Parallel()
	h := newTestGateway(t, httpdtest.Options{})
	for range 3 {
		h.admin(t, "boss").Leave()
	}
	h.admin(t, "other")
	list, err := h.Audit.List(t.Context(), audit.Filter{Action: audit.SignIn, Limit: 9})
	if err != nil || len(list) != 2 || list[1].UserID != "boss" || list[1].Via != "token" ||
		list[0].UserID != "other" {
		t.Errorf("it tells %+v (%v)", list, err)
	}
}

// full is a log that takes no line while it is set.
type full struct {
	audit.Store
	set *atomic.Bool
}

func (f full) Append(ctx context.Context, e protocol.AuditEntry) (int64, error) {
	if f.set.Load() {
		return 0, store.Full
	}
	return f.Store.Append(ctx, e)
}

// What no line can tell of is not done.
func TestNothingIsDoneWithoutALine(t *testing.T) {
	t.Parallel()
	var set atomic.Bool
	reloads := 0
	h := newTestGateway(t, httpdtest.Options{
		Audit: func(s audit.Store) audit.Store { return full{s, &set} },
		Reload: func(context.Context) (protocol.ConfigReloadResult, error) {
			reloads++
			return protocol.ConfigReloadResult{}, nil
		},
	})
	owner, admin := h.member(t, protocol.Operator, "owner"), h.admin(t, "boss")
	open(owner, "theirs")
	var before, after protocol.ChatHistoryResult
	owner.Read(owner.OK(protocol.MethodChatHistory, keyed), &before)
	set.Store(true)
	for _, m := range gateway.Methods() {
		if m.Least != protocol.Admin && !m.Session || slices.Contains(unaudited, m.Name) {
			continue
		}
		if e := admin.Refused(protocol.Unavailable, "audit log", m.Name,
			useOf(t, m).params); !e.Retryable || e.RetryAfterMs <= 0 {
			t.Errorf("%s is refused with %+v", m.Name, e)
		}
	}
	admin.Refused(protocol.Unavailable, "audit log", protocol.MethodSessionsList, `{"all":true}`)
	h.admin(t, "another").OK(protocol.MethodStatus, "") // who looks after it
	owner.Read(owner.OK(protocol.MethodChatHistory, keyed), &after)
	if fmt.Sprint(after) != fmt.Sprint(before) || reloads > 0 {
		t.Errorf("the session was %+v, it is %+v; %d reloads", before, after, reloads)
	}
	if keys, _, err := h.Keys.List(t.Context()); len(keys) > 0 || err != nil {
		t.Errorf("there are keys: %+v (%v)", keys, err)
	}
	set.Store(false)
	admin.OK(protocol.MethodConfigReload, "")
}

func TestAuditList(t *testing.T) {
	t.Parallel()
	h := newTestGateway(t, httpdtest.Options{})
	admin := h.admin(t, "boss")
	for i := range 7 {
		act := audit.Act{Action: audit.KeyCreate, Target: audit.User(fmt.Sprint("user-", i%2)),
			Detail: strings.Repeat("é", 400)}
		if _, err := h.Audit.Begin(t.Context(), audit.Actor{UserID: "ann", Via: "token",
			Address: "192.0.2.1"}, act); err != nil {
			t.Fatal(err)
		}
	}
	var ids []int64
	page := protocol.AuditListResult{HasMore: true}
	for before := int64(0); page.HasMore; before = ids[len(ids)-1] {
		page = protocol.AuditListResult{}
		admin.Read(admin.OK(protocol.MethodAuditList,
			fmt.Sprintf(`{"userId":"ann","target":"user:user-0","limit":3,"before":%d}`, before)), &page)
		for _, e := range page.Entries {
			ids = append(ids, e.ID)
		}
	}
	if !slices.Equal(ids, []int64{8, 6, 4, 2}) {
		t.Errorf("pages have %v", ids)
	}
	for _, bad := range []string{`{"limit":0}`, `{"before":-1}`, `{"since":-1}`, `{"query":"` +
		strings.Repeat("x", 256) + `"}`} {
		admin.Refused(protocol.InvalidRequest, "", protocol.MethodAuditList, bad)
	}
	// More than a frame can hold.
	for range 250 {
		act := audit.Act{Action: audit.KeyCreate, Target: strings.Repeat("€", 400),
			Detail: strings.Repeat("€", 400)}
		if _, err := h.Audit.Begin(t.Context(), audit.Actor{UserID: strings.Repeat("€", 400),
			Via: strings.Repeat("€", 400)}, act); err != nil {
			t.Fatal(err)
		}
	}
	admin.Read(admin.OK(protocol.MethodAuditList, `{"limit":200}`), &page)
	if n := len(page.Entries); !page.HasMore || n < 80 || n >= 200 {
		t.Errorf("a page has %d lines, more: %v", n, page.HasMore)
	}
}
