package gateway_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
	"github.com/gatehouse-chat/gatehouse/server/internal/conn/conntest"
	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// key makes an API key.
func (gw *testGateway) key(t testing.TB, role protocol.Role, user string) protocol.KeysCreateResult {
	t.Helper()
	made, err := gw.Keys.Create(t.Context(), "test",
		protocol.KeysCreateParams{Name: "of " + user, UserID: user, Role: role}, auth.GenerateKey())
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// keyed connects with an API key.
func (gw *testGateway) keyed(t testing.TB, key string) *client {
	t.Helper()
	c := gw.dial(t, nil)
	c.OK(protocol.MethodConnect, `{"token":"`+key+`"}`)
	return c
}

func withBearer(token string) http.Header {
	return http.Header{"Authorization": {"Bearer " +
		token}}
}

// TestKeyMethods creates, uses, lists and revokes a key.
func TestKeyMethods(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	admin := gw.admin(t, "boss")
	var made protocol.KeysCreateResult
	admin.Read(admin.OK(protocol.MethodKeysCreate,
		`{"name":"bot","userId":"ann","role":"viewer","expiresIn":3600}`), &made)
	c := gw.keyed(t, made.Key)
	var list protocol.KeysListResult
	answer := admin.OK(protocol.MethodKeysList, "")
	admin.Read(answer, &list)
	if strings.Contains(string(answer.Payload), made.Key[9:]) {
		t.Errorf("the list shows the key: %s", answer.Payload)
	}
	k := list.Keys[0]
	if len(list.Keys) != 1 || k.ID != made.ID || k.UserID != "ann" || k.Role != protocol.Viewer ||
		k.CreatedBy != "boss" ||
		k.Prefix != made.Prefix || k.ExpiresAt != made.ExpiresAt || k.LastUsedAt == 0 ||
		k.RevokedAt != 0 {
		t.Errorf("listed %+v, made %+v", list, made)
	}
	admin.OK(protocol.MethodKeysRevoke, `{"id":"`+made.ID+`"}`)
	c.Closed(protocol.ClosePolicy, protocol.ReasonKeyRevoked)
	again := gw.dial(t, nil)
	again.Refused(protocol.Unauthorized, "invalid token: this API key was revoked",
		protocol.MethodConnect, `{"token":"`+made.Key+`"}`)
	admin.OK(protocol.MethodKeysRevoke, `{"id":"`+made.ID+`"}`)
	admin.Refused(protocol.InvalidRequest, "id must", protocol.MethodKeysRevoke, `{}`)
	log := gw.Log.String()
	if strings.Contains(log, made.Key) || strings.Contains(log, made.Key[9:]) {
		t.Error("the key is in the log")
	}
	for _, line := range []string{"security.key_created", "security.key_revoked",
		"security.key_rejected"} {
		if !regexp.MustCompile(line + `.* key=` + regexp.QuoteMeta(made.Prefix) +
			`( |\n)`).MatchString(log) {
			t.Errorf("%s is not in the log", line)
		}
	}
}

// TestKeyLogsExpiry creates keys with and without an end. The log must say when each ends,
// and no key ends in the year 1.
func TestKeyLogsExpiry(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	admin := gw.admin(t, "boss")
	admin.OK(protocol.MethodKeysCreate, `{"name":"a","userId":"ann","role":"viewer"}`)
	admin.OK(protocol.MethodKeysCreate,
		`{"name":"b","userId":"ann","role":"viewer","expiresIn":3600}`)
	lines := gw.logged("security.key_created")
	if len(lines) != 2 || !strings.Contains(lines[0], " expires=never") ||
		!strings.Contains(lines[1], " expires=2") ||
		strings.Contains(gw.Log.String(), "0001-01-01") {
		t.Errorf("the log says %q", lines)
	}
}

// TestKeyFixesTheIdentity connects with keys in both ways and claims to be
// somebody else.
func TestKeyFixesTheIdentity(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	for _, role := range []protocol.Role{protocol.Viewer, protocol.Operator, protocol.Admin} {
		key := gw.key(t, role, "ann").Key
		for claim, c := range map[string]*client{
			`{"token":"` + key + `","user_id":"boss"}`: gw.dial(t, nil),
			`{"user_id":"boss"}`:                       gw.dial(t, withBearer(key)),
			`{"user_id":"admin","sender_id":"gd_x"}`:   gw.dial(t, withBearer(key)),
		} {
			var welcome protocol.ConnectResult
			if c.Read(c.OK(protocol.MethodConnect, claim), &welcome); welcome.UserID != "ann" ||
				welcome.Role != role {
				t.Errorf("connect %s with ann's key as %s: %+v", claim, role, welcome)
			}
		}
	}
	// A wrong key is refused, even if the client has another credential that is valid.
	d := gw.pair(t, protocol.Operator, "ben")
	wrong := "gh_" + strings.Repeat("A", 43)
	gw.dial(t, withBearer(wrong)).Refused(protocol.Unauthorized, "invalid token",
		protocol.MethodConnect, `{"sender_id":"`+d.secret+`"}`)
	gw.dial(t, withBearer(httpdtest.Token)).Refused(protocol.Unauthorized, "invalid token",
		protocol.MethodConnect, `{"token":"`+wrong+`"}`)
}

// TestWrongKeysCountAsWrongTokens uses up the wrong tokens of an address, with unknown keys
// and a revoked one. Right credentials of the address are accepted all the same, as often
// as they come.
func TestWrongKeysCountAsWrongTokens(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	right, ended := gw.key(t, protocol.Viewer, "ann"), gw.key(t, protocol.Viewer, "ann")
	if _, err := gw.Keys.Revoke(t.Context(), "test", ended.ID); err != nil {
		t.Fatal(err)
	}
	tries := []string{"gh_" + strings.Repeat("A", 43), ended.Key}
	for range 2 { // five each; the fifth closes the connection
		c := gw.dial(t, from("192.0.2.1"))
		for i := range 5 {
			c.Refused(protocol.Unauthorized, "invalid token", protocol.MethodConnect,
				`{"token":"`+tries[i%2]+`"}`)
		}
		c.Closed(protocol.ClosePolicy, "too many wrong tokens")
	}
	c := gw.dial(t, from("192.0.2.1"))
	for _, token := range tries {
		c.Refused(protocol.ResourceExhausted, "too many wrong tokens", protocol.MethodConnect,
			`{"token":"`+token+`"}`)
	}
	device := gw.pair(t, protocol.Operator, "ben")
	for range 70 { // a stranger may make 60 calls a minute
		c.Refused(protocol.ResourceExhausted, "", protocol.MethodConnect, `{"token":"`+tries[0]+`"}`)
	}
	for _, params := range []string{`{"token":"` + right.Key + `"}`,
		`{"token":"` + httpdtest.Token + `"}`, `{"sender_id":"` + device.secret + `"}`} {
		gw.dial(t, from("192.0.2.1")).OK(protocol.MethodConnect, params)
	}
}

// TestManyRightKeysAtOnce connects, with valid keys, far more clients of one address at
// once than the address may send wrong tokens.
func TestManyRightKeysAtOnce(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	key := gw.key(t, protocol.Viewer, "ann").Key
	const connections = 40
	var clients [connections]*client
	for i := range clients {
		clients[i] = gw.dial(t, from("192.0.2.1"))
	}
	begin := make(chan struct{})
	var connecting sync.WaitGroup
	var ids [connections]string
	for i, c := range clients {
		connecting.Go(func() {
			<-begin
			ids[i] = c.Send(protocol.MethodConnect, `{"token":"`+key+`"}`)
		})
	}
	close(begin)
	connecting.Wait()
	for i, c := range clients {
		if f := c.Answer(ids[i]); !f.OK {
			t.Fatalf("connection %d: %v", i, f.Error)
		}
	}
}

// TestRevokeKeyWhileConnecting connects with a key while the key is being revoked: no
// connection may be left afterwards.
func TestRevokeKeyWhileConnecting(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	admin := gw.admin(t, "boss")
	for n := range 15 {
		made := gw.key(t, protocol.Operator, fmt.Sprintf("user%d", n))
		clients := gw.connectWhile(t, n, `{"token":"`+made.Key+`"}`, func() {
			admin.OK(protocol.MethodKeysRevoke, `{"id":"`+made.ID+`"}`)
		})
		for _, c := range clients {
			f, err := c.Next()
			if err == nil && f.OK { // connected before the revocation, which then closes it
				c.Closed(protocol.ClosePolicy, protocol.ReasonKeyRevoked)
			}
		}
	}
}

// hookedKeys is a store of API keys that calls after when a View has ended.
type hookedKeys struct {
	auth.KeyStore
	after func()
}

func (v *hookedKeys) View(ctx context.Context, fn func(auth.KeyTx) error) error {
	err := v.KeyStore.View(ctx, fn)
	v.after()
	return err
}

// TestKeyRevokedWhileConnecting revokes a key right after it was checked: the first time,
// when the revocation finds no connection yet, and the second time, when the connection is
// registered.
func TestKeyRevokedWhileConnecting(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]int{"before it is registered": 1, "after it is registered": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hooked := &hookedKeys{after: func() {}}
			gw := newTestGateway(t, httpdtest.Options{Keys: func(s auth.KeyStore) auth.KeyStore { hooked.KeyStore = s; return hooked }})
			admin, made := gw.admin(t, "boss"), gw.key(t, protocol.Operator, "ann")
			c := gw.dial(t, nil)
			views, revoked := 0, make(chan struct{})
			hooked.after = func() {
				if views++; views == at {
					admin.OK(protocol.MethodKeysRevoke, `{"id":"`+made.ID+`"}`)
					// The answer comes before the key's connections are closed; the answer to
					// the next request comes after that.
					admin.OK(protocol.MethodHealth, "")
					close(revoked)
				}
			}
			if at == 1 {
				c.Refused(protocol.Unauthorized, "this API key was revoked", protocol.MethodConnect,
					`{"token":"`+made.Key+`"}`)
			} else {
				c.Send(protocol.MethodConnect, `{"token":"`+made.Key+`"}`)
				c.Closed(protocol.ClosePolicy, protocol.ReasonKeyRevoked)
			}
			<-revoked
			c.Leave()
			gw.untilConnections(t, 1)
			if list := connections(admin); len(list) != 1 || list[0].UserID != "boss" {
				t.Errorf("connected: %+v", list)
			}
		})
	}
}

// TestRevokingOnesOwnKey checks that the answer comes before the connection is closed.
func TestRevokingOnesOwnKey(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	made := gw.key(t, protocol.Admin, "ann")
	c := gw.keyed(t, made.Key)
	c.OK(protocol.MethodKeysRevoke, `{"id":"`+made.ID+`"}`)
	c.Closed(protocol.ClosePolicy, protocol.ReasonKeyRevoked)
}

// TestRevokingOnesOwnDevice checks the same for a device, by either name of its id.
func TestRevokingOnesOwnDevice(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	for _, param := range []string{"deviceId", "senderId"} {
		d := gw.pair(t, protocol.Admin, "ann")
		c := gw.device(t, d)
		c.OK(protocol.MethodDeviceRevoke, `{"`+param+`":"`+d.DeviceID+`"}`)
		c.Closed(protocol.ClosePolicy, protocol.ReasonRevoked)
	}
}

// TestKeyExpiresWhileConnected checks that a connection is closed when its key expires, and
// not before, whether it makes calls or not.
func TestKeyExpiresWhileConnected(t *testing.T) {
	t.Parallel()
	for _, calls := range []bool{true, false} {
		t.Run(fmt.Sprintf("with a call %v", calls), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				gw := httpdtest.New(t, httpdtest.Options{})
				made, err := gw.Keys.Create(t.Context(), "test",
					protocol.KeysCreateParams{Name: "n", UserID: "ann", Role: protocol.Viewer, ExpiresIn: 40},
					auth.GenerateKey())
				if err != nil {
					t.Fatal(err)
				}
				server := conntest.Serve(t, gw)
				connect := `{"token":"` + made.Key + `"}`
				c := httpdtest.NewClient(t, server.Dial(t, "/ws", nil))
				c.OK(protocol.MethodConnect, connect)
				c.Event(protocol.EventTick)
				c.Event(protocol.EventTick) // after 30 s
				time.Sleep(10*time.Second - time.Millisecond)
				if calls {
					c.OK(protocol.MethodHealth, "")
				}
				expired := time.Now().Add(time.Millisecond)
				c.Closed(protocol.ClosePolicy, protocol.ReasonKeyExpired)
				if late := time.Since(expired); late != 0 {
					t.Errorf("closed %v after the key has expired", late)
				}
				httpdtest.NewClient(t, server.Dial(t, "/ws", nil)).Refused(protocol.Unauthorized,
					"this API key has expired", protocol.MethodConnect, connect)
			})
		})
	}
}

// TestKeyInUse checks that a key counts as used while a connection has it, even an idle
// one.
func TestKeyInUse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gw := httpdtest.New(t, httpdtest.Options{})
		made, err := gw.Keys.Create(t.Context(), "test",
			protocol.KeysCreateParams{Name: "n", UserID: "ann", Role: protocol.Viewer}, auth.GenerateKey())
		if err != nil {
			t.Fatal(err)
		}
		c := httpdtest.NewClient(t, conntest.Serve(t, gw).Dial(t, "/ws", nil))
		c.OK(protocol.MethodConnect, `{"token":"`+made.Key+`"}`)
		for range 4 { // a minute
			c.Event(protocol.EventTick)
		}
		synctest.Wait()
		list, _, err := gw.Keys.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if idle := time.Since(list[0].LastUsedAt.Go()); idle >= time.Second {
			t.Errorf("a key with a live connection was last used %v ago", idle)
		}
	})
}

// TestKeysWhileTheStoreFails checks that keys are refused with UNAVAILABLE, and that the
// gateway token works.
func TestKeysWhileTheStoreFails(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	key := gw.key(t, protocol.Admin, "ann").Key
	if err := gw.Store.Close(); err != nil {
		t.Fatal(err)
	}
	for range 12 { // more than the wrong tokens of an address: these do not count
		c := gw.dial(t, nil)
		if e := c.Refused(protocol.Unavailable, "", protocol.MethodConnect,
			`{"token":"`+key+`"}`); !e.Retryable || e.RetryAfterMs <= 0 {
			t.Fatalf("%+v is not retryable", e)
		}
		c.Refused(protocol.Unauthorized, "first request must be 'connect'", protocol.MethodHealth, "")
		c.Leave()
	}
	gw.admin(t, "").OK(protocol.MethodStatus, "")
}

// TestGatewayTokenThatLooksLikeAKey connects with a gateway token of a key's form.
func TestGatewayTokenThatLooksLikeAKey(t *testing.T) {
	t.Parallel()
	token := "gh_" + strings.Repeat("A", 43)
	if !auth.IsKey(token) {
		t.Fatal("the token does not look like a key")
	}
	gw := httpdtest.New(t, httpdtest.Options{Token: token})
	server := httptest.NewServer(gw)
	t.Cleanup(server.Close)
	c := httpdtest.Dial(t, server.URL, nil)
	var welcome protocol.ConnectResult
	if c.Read(c.OK(protocol.MethodConnect, `{"token":"`+token+`","user_id":"ann"}`),
		&welcome); welcome.Role != protocol.Admin || welcome.UserID != "ann" {
		t.Errorf("welcome %+v", welcome)
	}
}
