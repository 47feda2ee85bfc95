package conformance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Offer is a feature that a gateway may lack and still conform to v3: an addition, as the
// page calls it, or an agent whose answers are known.
type Offer string

// The offers that rows need, as the table names them.
const (
	DemoAgent Offer = "a default agent whose answers are known: Gatehouse's demo agent, or one " +
		"that answers \"echo X\" with X as it does"
	Accepting   Offer = `ack:"accepted" in chat.send`
	Idempotency Offer = "idempotencyKey in chat.send"
	Resuming    Offer = "resume in connect"
	Formatting  Offer = `caps:["html"] in connect`
	Pairing     Offer = "pairing of those who connect without a credential"
	Assigning   Offer = "role and userId in device.pair.approve"
	Cookies     Offer = "cookies by POST /api/session"
	Limits      Offer = "limits in connect's answer"
)

// NotApplicable is why a row says nothing about a gateway.
type NotApplicable string

// Error is the reason.
func (n NotApplicable) Error() string { return string(n) }

// require ends the row as not applicable if the gateway lacks the offer.
func (v *visit) require(o Offer) {
	if slices.Contains(v.target.Without, o) {
		panic(NotApplicable("this gateway has no " + string(o)))
	}
}

// requireFor ends the row as not applicable if the gateway lacks an offer that the request
// needs.
func (v *visit) requireFor(method string, params object) {
	for _, r := range []struct {
		method, param string
		offer         Offer
	}{
		{"chat.send", "ack", Accepting},
		{"chat.send", "idempotencyKey", Idempotency},
		{"connect", "resume", Resuming},
		{"connect", "client.caps", Formatting},
		{"device.pair.approve", "role", Assigning},
		{"device.pair.approve", "userId", Assigning},
	} {
		if r.method == method && get(params, r.param) != nil {
			v.require(r.offer)
		}
	}
}

// skipUnknownAddition ends the row as not applicable if an error says that the gateway
// lacks a method that is an addition.
func (v *visit) skipUnknownAddition(code, message string) {
	method, unknown := strings.CutPrefix(message, "unknown method: ")
	if code != "INVALID_REQUEST" || !unknown {
		return
	}
	if isAddition(method) {
		panic(NotApplicable("this gateway has no " + method + ", an addition to v3"))
	}
}

// Gateway is what Learn finds out about a gateway.
type Gateway struct {
	Name, Version string
	Without       []Offer // what it lacks
}

// Learn connects with the token and finds out what the gateway offers. For that it sends
// messages as invented users. The error says why nothing can be checked.
func Learn(ctx context.Context, t Target) (g Gateway, err error) {
	probe := func(steps func(*visit)) error { return Row{steps: steps}.Check(ctx, t) }
	var hello object
	err = probe(func(v *visit) {
		hello = v.open(nil).call("connect", object{"token": t.Token})
	})
	if err != nil {
		return g, fmt.Errorf("connect with the token: %w", err)
	}
	if hello["role"] != "admin" {
		return g, fmt.Errorf("the token's role is %v: rows need an admin's", shown(hello["role"]))
	}
	g.Name, _ = get(hello, "server.name").(string)
	g.Version, _ = get(hello, "server.version").(string)
	if hello["limits"] == nil {
		g.Without = append(g.Without, Limits)
	}
	for _, p := range []struct {
		offer Offer
		steps func(*visit)
	}{
		{DemoAgent, offersDemo},
		{Accepting, offersAck},
		{Idempotency, offersIdempotency},
		{Resuming, offersResume},
		{Formatting, offersHTML},
		{Pairing, offersPairing},
		{Assigning, offersAssigning},
		{Cookies, offersCookies},
	} {
		switch err := probe(p.steps); {
		case ctx.Err() != nil:
			return g, context.Cause(ctx)
		case errors.As(err, new(lacks)):
			g.Without = append(g.Without, p.offer)
		case err != nil && p.offer == Assigning:
			g.Without = append(g.Without, p.offer) // without pairing nothing can be approved
		}
	}
	return g, nil
}

// lacks is the error of a probe if the gateway lacks the offer. A probe that fails in
// another way has found out nothing; then the rows will fail and say more.
type lacks struct{}

func (lacks) Error() string { return "not offered" }

// mustOffer ends a probe with lacks if offered is false.
func (v *visit) mustOffer(offered bool) {
	if !offered {
		panic(lacks{})
	}
}

func offersDemo(v *visit) {
	c := v.admin(v.name("user"))
	word := v.name("word")
	answer := c.answer(c.ask("chat.send", object{"message": "echo " + word}))
	v.mustOffer(get(answer, "payload.content") == word)
}

func offersAck(v *visit) {
	c := v.admin(v.name("user"))
	answer := c.answer(c.ask("chat.send", object{"message": "echo x", "ack": "accepted"}))
	v.mustOffer(answer["ok"] != true || get(answer, "payload.status") != nil)
}

func offersIdempotency(v *visit) {
	c := v.admin(v.name("user"))
	send := object{"message": "echo x", "idempotencyKey": v.name("key")}
	first, second := c.answer(c.ask("chat.send", send)), c.answer(c.ask("chat.send", send))
	v.mustOffer(first["ok"] != true || get(first, "payload.runId") == get(second, "payload.runId"))
}

func offersResume(v *visit) {
	p := v.open(nil).call("connect", object{"token": v.target.Token,
		"resume": []object{{"sessionKey": v.name("none"), "afterSeq": 0}}})
	v.mustOffer(p["resumed"] != nil)
}

func offersHTML(v *visit) {
	c := v.open(nil)
	c.call("connect", object{"token": v.target.Token, "user_id": v.name("user"),
		"client": object{"caps": []string{"html"}}})
	sent := c.answer(c.ask("chat.send", object{"message": "echo x"}))
	if sent["ok"] != true {
		return
	}
	page := c.call("chat.history", object{"sessionKey": get(sent, "payload.sessionKey")})
	for _, m := range v.list(page, "messages") {
		if get(m, "html") != nil {
			return
		}
	}
	v.mustOffer(false)
}

func offersPairing(v *visit) {
	c := v.open(nil)
	answer := c.answer(c.ask("connect", object{}))
	v.mustOffer(answer["ok"] == true && get(answer, "payload.status") == "pending_pairing" ||
		get(answer, "error.code") == "RESOURCE_EXHAUSTED")
}

func offersAssigning(v *visit) {
	user := v.name("user")
	d := v.pair("viewer", user)
	p := v.open(nil).call("connect", object{"sender_id": d.secret})
	v.mustOffer(p["user_id"] == user && p["role"] == "viewer")
}

func offersCookies(v *visit) {
	status := v.post(object{}).StatusCode
	v.mustOffer(status != http.StatusNotFound && status != http.StatusMethodNotAllowed)
}
