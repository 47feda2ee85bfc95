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

// auditEntries gives the audit log without sign-ins, oldest first.
func (gw *testGateway) auditEntries(t testing.TB) []protocol.AuditEntry {
	t.Helper()
	list, err := gw.Audit.List(context.Background(), audit.Filter{Limit: 1000})
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
	gw := newTestGateway(t, httpdtest.Options{})
	owner, admin := gw.member(t, protocol.Operator, "owner"), gw.admin(t, "boss")
	open(owner, "theirs")
	seen := map[string]string{} // by action: its method
	for _, m := range gateway.Methods() {
		if m.Least != protocol.Admin && !m.Session {
			continue
		}
		before := len(gw.auditEntries(t))
		u := useOf(t, m)
		switch {
		case u.admin != "":
			admin.Refused(u.admin, "", m.Name, u.params)
		default:
			admin.OK(m.Name, u.params)
		}
		entries := gw.auditEntries(t)[before:]
		if slices.Contains(unaudited, m.Name) {
			if len(entries) > 0 {
				t.Errorf("%s is audited as %+v", m.Name, entries)
			}
			continue
		}
		if len(entries) == 0 && seen[audit.SessionRead] != "" && m.Least == protocol.Viewer {
			continue // one entry for reading this session is enough for ten minutes
		}
		if len(entries) != 1 {
			t.Errorf("%s is audited as %+v", m.Name, entries)
			continue
		}
		e := entries[0]
		outcome := protocol.AuditDone
		if u.admin != "" {
			outcome = protocol.AuditFailed
		}
		if e.UserID != "boss" || e.Role != protocol.Admin || e.Via != "token" ||
			e.Address != "127.0.0.1" || e.Outcome != outcome {
			t.Errorf("%s is audited as %+v", m.Name, e)
		}
		if m.Session && (e.Target != "session:theirs" || !strings.HasPrefix(e.Detail, "of owner")) {
			t.Errorf("%s is audited as %+v", m.Name, e)
		}
		if u.admin != "" && !strings.Contains(e.Detail, string(u.admin)) {
			t.Errorf("the entry of %s gives %q as the reason of the failure", m.Name, e.Detail)
		}
		if other := seen[e.Action]; other != "" || !slices.Contains(audit.Actions(), e.Action) {
			t.Errorf("%s is audited as %s, and so is %q", m.Name, e.Action, other)
		}
		seen[e.Action] = m.Name
		if m.Name == protocol.MethodSessionsDelete {
			open(owner, "theirs")
		}
	}
}

// TestOwnSessionsAreNotAudited checks that what users do in their own sessions is not
// audited, not even if they are admins.
func TestOwnSessionsAreNotAudited(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	for _, c := range []*client{gw.member(t, protocol.Operator, "user"), gw.admin(t, "user")} {
		open(c, "theirs")
		for _, m := range gateway.Methods() {
			if m.Session {
				c.Call(m.Name, useOf(t, m).params)
			}
		}
		c.OK(protocol.MethodSessionsList, `{"userId":"user"}`)
	}
	if entries := gw.auditEntries(t); len(entries) > 0 {
		t.Errorf("audited: %+v", entries)
	}
}

// TestOtherWaysIntoASession checks that an admin is audited who resumes in another user's
// session, names a run without its session, or lists the sessions of others.
func TestOtherWaysIntoASession(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	owner := gw.member(t, protocol.Operator, "owner")
	var sent protocol.ChatSendResult
	owner.Read(owner.OK(protocol.MethodChatSend, `{"message":"echo x","sessionKey":"theirs"}`), &sent)
	admin := gw.dial(t, nil)
	admin.OK(protocol.MethodConnect, `{"token":"`+httpdtest.Token+`","user_id":"boss","resume":[
		{"sessionKey":"theirs","afterSeq":0},{"sessionKey":"none","afterSeq":0}]}`)
	admin.OK(protocol.MethodChatAbort, `{"runId":"`+sent.RunID+`"}`)
	admin.OK(protocol.MethodSessionsList, `{"userId":"owner"}`)
	admin.OK(protocol.MethodSessionsList, `{"all":true}`)
	admin.OK(protocol.MethodSessionsList, `{"all":true}`)
	var entries []string
	for _, e := range gw.auditEntries(t) {
		entries = append(entries, e.Action+" "+e.Target)
	}
	want := []string{"session.read session:theirs", "session.abort session:theirs",
		"sessions.list user:owner", "sessions.list everybody"}
	if !slices.Equal(entries, want) {
		t.Errorf("audited: %q, want %q", entries, want)
	}
}

// TestKeysAreAuditedByID checks that the entries of a key's creation and revocation name
// the key by the same id, and do not have its secret.
func TestKeysAreAuditedByID(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	admin := gw.admin(t, "boss")
	var made protocol.KeysCreateResult
	admin.Read(admin.OK(protocol.MethodKeysCreate,
		`{"name":"Nightly","userId":"reports","role":"viewer","expiresIn":2592000}`), &made)
	admin.OK(protocol.MethodKeysRevoke, `{"id":"`+made.ID+`"}`)
	admin.Refused(protocol.InvalidRequest, "", protocol.MethodKeysCreate,
		`{"name":"Nightly","userId":"reports","role":"king"}`)
	entries := gw.auditEntries(t)
	if len(entries) != 3 {
		t.Fatalf("audited: %+v", entries)
	}
	for i, action := range []string{audit.KeyCreate, audit.KeyRevoke} {
		if e := entries[i]; e.Action != action || e.Target != "key:"+made.ID ||
			e.Outcome != protocol.AuditDone {
			t.Errorf("audited: %+v", e)
		}
	}
	if want := "prefix " + made.Prefix +
		", user reports, name Nightly, role viewer, expires in 30 d"; entries[0].Detail != want {
		t.Errorf("audited: %q, want %q", entries[0].Detail, want)
	}
	if e := entries[2]; e.Outcome != protocol.AuditFailed || e.Target == entries[0].Target {
		t.Errorf("the failed creation of a key is audited as %+v", e)
	}
	if text := fmt.Sprint(entries) + gw.Log.String(); strings.Contains(text, made.Key) {
		t.Error("the secret of the key is in the audit log or the log")
	}
}

// TestFilesOfOthersAreAudited checks that an admin is audited who sends another user's
// file: the admin has read the file, and shows it to others.
func TestFilesOfOthersAreAudited(t *testing.T) {
	t.Parallel()
	var full atomic.Bool
	gw := newTestGateway(t, httpdtest.Options{Audit: func(s audit.Store) audit.Store {
		return fullStore{s,
			&full}
	}})
	upload := func(user, name string) media.File {
		f, err := gw.Media.Upload(t.Context(), session.Caller{UserID: user, Role: protocol.Operator},
			func() (string, io.Reader, error) {
				return name, strings.NewReader("hello"), nil
			})
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	theirs, own := upload("zoe", "theirs.txt"), upload("boss", "own.txt")
	admin := gw.admin(t, "boss")
	send := func(f ...media.File) string {
		var list []string
		for _, f := range f {
			list = append(list, `{"path":"`+f.Path()+`"}`)
		}
		return `{"sessionKey":"k","media":[` + strings.Join(list, ",") + `]}`
	}
	admin.OK(protocol.MethodChatSend, send(own))
	if entries := gw.auditEntries(t); len(entries) > 0 {
		t.Errorf("sending the admin's own file is audited as %+v", entries)
	}
	full.Store(true)
	admin.Refused(protocol.Unavailable, "audit log", protocol.MethodChatSend, send(theirs))
	full.Store(false)
	admin.OK(protocol.MethodChatSend, send(own, theirs))
	admin.Refused(protocol.FailedPrecondition, "another session", protocol.MethodChatSend,
		strings.Replace(send(theirs), `"k"`, `"l"`, 1))
	entries := gw.auditEntries(t)
	if len(entries) != 2 || entries[0].Outcome != protocol.AuditDone ||
		entries[1].Outcome != protocol.AuditFailed {
		t.Fatalf("audited: %+v", entries)
	}
	if e := entries[0]; e.Action != audit.MediaAttach || e.UserID != "boss" ||
		e.Target != audit.Media(theirs.ID) || e.Detail != "theirs.txt of zoe, to k" {
		t.Errorf("audited: %+v", e)
	}
}

func TestSignInByTokenIsAudited(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	for range 3 {
		gw.admin(t, "boss").Leave()
	}
	gw.admin(t, "other")
	list, err := gw.Audit.List(t.Context(), audit.Filter{Action: audit.SignIn, Limit: 9})
	if err != nil || len(list) != 2 || list[1].UserID != "boss" || list[1].Via != "token" ||
		list[0].UserID != "other" {
		t.Errorf("audited: %+v (%v)", list, err)
	}
}

// fullStore is the store of an audit log that takes no entry while full is set.
type fullStore struct {
	audit.Store
	full *atomic.Bool
}

func (f fullStore) Append(ctx context.Context, e protocol.AuditEntry) (int64, error) {
	if f.full.Load() {
		return 0, store.Full
	}
	return f.Store.Append(ctx, e)
}

// TestNothingIsDoneWithoutAnEntry checks that no method does an act that the audit log
// cannot take an entry of.
func TestNothingIsDoneWithoutAnEntry(t *testing.T) {
	t.Parallel()
	var full atomic.Bool
	reloads := 0
	gw := newTestGateway(t, httpdtest.Options{
		Audit: func(s audit.Store) audit.Store { return fullStore{s, &full} },
		Reload: func(context.Context) (protocol.ConfigReloadResult, error) {
			reloads++
			return protocol.ConfigReloadResult{}, nil
		},
	})
	owner, admin := gw.member(t, protocol.Operator, "owner"), gw.admin(t, "boss")
	open(owner, "theirs")
	var before, after protocol.ChatHistoryResult
	owner.Read(owner.OK(protocol.MethodChatHistory, keyed), &before)
	full.Store(true)
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
	gw.admin(t, "another").OK(protocol.MethodStatus, "") // an admin can still connect and look
	owner.Read(owner.OK(protocol.MethodChatHistory, keyed), &after)
	if fmt.Sprint(after) != fmt.Sprint(before) || reloads > 0 {
		t.Errorf("the session was %+v and is %+v, want no change; %d reloads, want none", before, after, reloads)
	}
	if keys, _, err := gw.Keys.List(t.Context()); len(keys) > 0 || err != nil {
		t.Errorf("keys were created: %+v (%v)", keys, err)
	}
	full.Store(false)
	admin.OK(protocol.MethodConfigReload, "")
}

func TestAuditList(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	admin := gw.admin(t, "boss")
	for i := range 7 {
		act := audit.Act{Action: audit.KeyCreate, Target: audit.User(fmt.Sprint("user-", i%2)),
			Detail: strings.Repeat("é", 400)}
		if _, err := gw.Audit.Begin(t.Context(), audit.Actor{UserID: "ann", Via: "token",
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
		if _, err := gw.Audit.Begin(t.Context(), audit.Actor{UserID: strings.Repeat("€", 400),
			Via: strings.Repeat("€", 400)}, act); err != nil {
			t.Fatal(err)
		}
	}
	admin.Read(admin.OK(protocol.MethodAuditList, `{"limit":200}`), &page)
	if n := len(page.Entries); !page.HasMore || n < 80 || n >= 200 {
		t.Errorf("a page has %d entries, more: %v", n, page.HasMore)
	}
}
