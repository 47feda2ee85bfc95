package gateway_test

import (
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

func connections(c *client) []protocol.ConnectedClient {
	var list protocol.ClientsListResult
	c.Read(c.OK(protocol.MethodClientsList, ""), &list)
	return list.Clients
}

func TestClients(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	began := protocol.At(time.Now())
	admin, device := gw.admin(t, "boss"), gw.pair(t, protocol.Operator, "ann")
	c := gw.dial(t, nil)
	c.OK(protocol.MethodConnect, `{"sender_id":"`+device.secret+`","client":{"name":"bot","version":"1.2","platform":"linux"}}`)
	gw.dial(t, nil).OK(protocol.MethodConnect, `{}`) // a connection that waits for pairing is not listed
	list := connections(admin)
	if len(list) != 2 || list[1].UserID != "boss" || list[1].Via != "token" {
		t.Fatalf("the connections are %+v", list)
	}
	ann := list[0]
	if ann.UserID != "ann" || ann.Role != protocol.Operator || ann.Via != "device:"+device.DeviceID ||
		ann.DeviceID != device.DeviceID ||
		ann.Address != "127.0.0.1" || ann.Client != "bot 1.2 (linux)" || ann.ConnectedAt < began ||
		ann.ActiveAt < ann.ConnectedAt {
		t.Errorf("a connection is %+v", ann)
	}
	var status protocol.StatusResult
	if admin.Read(admin.OK(protocol.MethodStatus, ""), &status); status.Detail == nil ||
		status.Detail.Strangers < 1 || status.Detail.TLS != "off" {
		t.Errorf("the status is %+v", status.Detail)
	}
	var own protocol.StatusResult
	if c.Read(c.OK(protocol.MethodStatus, ""), &own); own.Detail != nil {
		t.Errorf("an operator gets the detail %+v", own.Detail)
	}
	admin.OK(protocol.MethodClientsDisconnect, `{"id":"`+ann.ID+`"}`)
	c.Closed(websocket.StatusPolicyViolation, protocol.ReasonDisconnected)
	gw.device(t, device).Leave() // the credential is still good
	admin.Refused(protocol.InvalidRequest, "clients.list", protocol.MethodClientsDisconnect, `{}`)
	admin.Refused(protocol.NotFound, "no such connection", protocol.MethodClientsDisconnect,
		`{"id":"`+ann.ID+`"}`)
	entries := gw.auditEntries(t)
	if e := entries[0]; e.Target != "connection:"+ann.ID ||
		e.Detail != "of ann, via device:"+device.DeviceID+", at 127.0.0.1, client bot 1.2 (linux)" {
		t.Errorf("the disconnect is audited as %+v", e)
	}
	// The admin's own connection, last: the answer comes before the close.
	for _, own := range connections(admin) {
		if own.UserID == "boss" {
			admin.OK(protocol.MethodClientsDisconnect, `{"id":"`+own.ID+`"}`)
			admin.Closed(websocket.StatusPolicyViolation, protocol.ReasonDisconnected)
		}
	}
}

func TestSessionsOfOthers(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	admin, ann := gw.admin(t, "boss"), gw.member(t, protocol.Operator, "ann")
	for _, key := range []string{"one", "two"} {
		open(ann, key)
	}
	open(gw.member(t, protocol.Operator, "ben"), "three")
	open(admin, "own")
	for params, want := range map[string]string{
		`{}`:                               "own",
		`{"userId":"boss"}`:                "own",
		`{"userId":"ann"}`:                 "two one",
		`{"all":true}`:                     "own three two one",
		`{"all":true,"query":"THREE"}`:     "three",
		`{"all":true,"query":"an"}`:        "two one",
		`{"userId":"ann","query":"tw"}`:    "two",
		`{"userId":"nobody"}`:              "",
		`{"all":true,"agentId":"another"}`: "",
	} {
		var got protocol.SessionsListResult
		admin.Read(admin.OK(protocol.MethodSessionsList, params), &got)
		keys := ""
		for _, s := range got.Sessions {
			keys += " " + s.Key
		}
		if keys = strings.TrimSpace(keys); keys != want {
			t.Errorf("%s gives %q, want %q", params, keys, want)
		}
	}
	admin.Refused(protocol.InvalidRequest, "exclude", protocol.MethodSessionsList,
		`{"all":true,"userId":"ann"}`)
	for _, params := range []string{`{"all":true}`, `{"userId":"ben"}`} {
		ann.Refused(protocol.Unauthorized, "permission denied", protocol.MethodSessionsList, params)
	}
	ann.OK(protocol.MethodSessionsList, `{"userId":"ann"}`)
}
