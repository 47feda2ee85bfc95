package pairing_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// TestResemblingNames checks which names of devices are marked as resembling a known one, or
// an admin's.
func TestResemblingNames(t *testing.T) {
	bubble(t, func(t *testing.T, d *testService) {
		for i, a := range []protocol.DeviceApproveParams{
			{UserID: "anna", Role: protocol.Operator, Label: "Kitchen tablet"},
			{UserID: "zoe.boss", Role: protocol.Admin},
			{UserID: "al", Role: protocol.Operator},
		} {
			who := from("192.0.2." + string(rune('1'+i)))
			a.Code = d.request(who).Code
			d.approve(a)
		}
		for i, c := range []struct{ name, resembles, role string }{
			{"Anna", "anna", "operator"}, {"Anna’s laptop", "anna", "operator"},
			{"Аnnа", "anna", "operator"},       // Cyrillic
			{"Ａｎｎａ", "anna", "operator"},       // full-width
			{"Ännä phone", "anna", "operator"}, // accents
			{"An\u00adna", "anna", "operator"}, // a soft hyphen
			{"Zoe Boss", "zoe.boss", "admin"}, {"z0e_b0ss", "zoe.boss", "admin"},
			{"admin", "admin", "admin"}, {"The Adrnin (Anna)", "admin", "admin"}, {"ADM1N", "admin", "admin"},
			{"kitchen-tablet", "Kitchen tablet", "operator"},
			{"Al", "al", "operator"}, {"Administrator", "admin", "admin"}, {"аdmins' iPad", "admin", "admin"},
			{"4nna", "anna", "operator"}, {"Z0e-8o$$", "zoe.boss", "admin"},
			{"Joanna", "", ""}, {"Al's phone", "", ""}, {"Badminton", "", ""}, {"Hannah's laptop", "", ""}, {"李雷", "", ""}, {"", "", ""},
			{"Firefox on Linux", "", ""},
		} {
			who := from("198.51.100." + strings.TrimSpace(string(rune('1'+i%9))) + string(rune('0'+i/9)))
			who.DeviceName = c.name
			p := d.request(who)
			found, ok, err := d.Pending(t.Context(), p.Code)
			if err != nil || !ok || found.Resembles != c.resembles || string(found.ResemblesRole) != c.role {
				t.Errorf("%q resembles %q (%s), want %q (%s); %v", c.name, found.Resembles,
					found.ResemblesRole, c.resembles, c.role, err)
			}
			list, err := d.List(t.Context())
			if err != nil || list.Pending[0].Resembles != found.Resembles {
				t.Errorf("%q is listed as resembling %q; %v", c.name, list.Pending[0].Resembles, err)
			}
			want(t, "deny", d.Deny(t.Context(), "admin", p.Code), "ok")
		}
	})
}

// manyUsers is a store with more users than a list has. The last one of them is an admin.
type manyUsers struct{ pairing.Store }

type manyUsersTx struct{ pairing.Tx }

func (m manyUsers) View(ctx context.Context, fn func(pairing.Tx) error) error {
	return m.Store.View(ctx, func(tx pairing.Tx) error { return fn(manyUsersTx{tx}) })
}

func (m manyUsers) Update(ctx context.Context, fn func(pairing.Tx) error) error {
	return m.Store.Update(ctx, func(tx pairing.Tx) error { return fn(manyUsersTx{tx}) })
}

func (manyUsersTx) Users(_ protocol.Time, limit int) (users []protocol.KnownUser, err error) {
	for i := range 5000 {
		users = append(users, protocol.KnownUser{UserID: fmt.Sprintf("user-%04d", i), Role: protocol.Operator})
	}
	users = append(users, protocol.KnownUser{UserID: "zoe", Role: protocol.Admin})
	return users[:min(limit, len(users))], nil
}

// TestResemblanceToOneOfMany checks that a name is compared with users who are not listed.
func TestResemblanceToOneOfMany(t *testing.T) {
	bubble(t, func(t *testing.T, d *testService) {
		s := pairing.New(manyUsers{d.store.Pairings()}, pairing.Options{Settings: d.settings()})
		who := from("192.0.2.1")
		who.DeviceName = "Zoe"
		if p, err := s.Request(t.Context(), who); err != nil {
			t.Fatal(p, err)
		}
		list, err := s.List(t.Context())
		if err != nil || list.Pending[0].Resembles != "zoe" || len(list.Users) > 1000 {
			t.Errorf("resembles %q, with %d users listed; %v", list.Pending[0].Resembles, len(list.Users), err)
		}
	})
}

// TestResemblanceIsTold checks that admins are told of it with the request, and when a
// device gets another name.
func TestResemblanceIsTold(t *testing.T) {
	bubble(t, func(t *testing.T, d *testService) {
		told := &toldNames{}
		s := pairing.New(d.store.Pairings(), pairing.Options{Notifier: told, Settings: d.settings()})
		who := from("192.0.2.1")
		who.DeviceName = "admin"
		if _, err := s.Request(t.Context(), who); err != nil {
			t.Fatal(err)
		}
		who.DeviceName = "Anna"
		if _, err := s.Request(t.Context(), who); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(told.names, ","); got != "admin," {
			t.Errorf("told of %q", got)
		}
	})
}
