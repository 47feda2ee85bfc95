package pairing

import (
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/words"
)

// namesLife is how long known names are remembered, so that a flood of requests does not
// load them each time. Lists always have the latest.
const namesLife = 5 * time.Second

// maxKnownUsers is how many users names are compared with: many more than a list has.
const maxKnownUsers = 10_000

// minResembling is the least length of a word, in bytes, that is compared with the known
// names. A whole name is compared whatever its length is.
const minResembling = 3

// adminSkeleton is how words begin that claim to be an admin's.
var adminSkeleton = skeleton(auth.AdminUser)

// knownNames are the names that a stranger's device may borrow so that an admin takes it
// for somebody else's: those of users and of paired devices.
type knownNames struct {
	at      protocol.Time                    // when they were loaded
	users   map[string]protocol.KnownUser    // by skeleton; an admin comes before others
	devices map[string]protocol.PairedDevice // by skeleton of the label or else the name
}

// marked returns the record as a pending device that says which known name it resembles.
func (s *Service) marked(tx Tx, r Record, now protocol.Time) (protocol.PendingDevice, error) {
	p := r.pending()
	names := s.names.Load()
	if names == nil || until(names.at, namesLife, now) <= 0 {
		users, err := tx.Users(now, maxKnownUsers)
		if err != nil {
			return p, err
		}
		approved, err := tx.List(protocol.PairingApproved, maxListedPaired)
		if err != nil {
			return p, err
		}
		names = newKnownNames(users, approved, now)
		s.names.Store(names)
	}
	names.mark(&p)
	return p, nil
}

func newKnownNames(users []protocol.KnownUser, approved []Record, now protocol.Time) *knownNames {
	k := &knownNames{now, map[string]protocol.KnownUser{}, map[string]protocol.PairedDevice{}}
	k.addUser(protocol.KnownUser{UserID: auth.AdminUser, Role: protocol.Admin})
	for _, u := range users {
		k.addUser(u)
	}
	for _, r := range approved {
		if name := words.Device(r.Label, r.Name, r.UserAgent); name != words.Browser(r.UserAgent) {
			k.devices[skeleton(name)] = r.paired()
		}
	}
	return k
}

func (k *knownNames) addUser(u protocol.KnownUser) {
	s := skeleton(u.UserID)
	if k.users[s].Role != protocol.Admin {
		k.users[s] = u
	}
}

// mark says in p which known name its device's name resembles: as a whole, or with one of
// its words a user's. A name that the device has only from its browser says nothing.
func (k *knownNames) mark(p *protocol.PendingDevice) {
	if p.DeviceName == "" || p.DeviceName == words.Browser(p.UserAgent) {
		return
	}
	candidates := append([]string{p.DeviceName}, strings.FieldsFunc(p.DeviceName,
		func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r) })...)
	for i, c := range candidates {
		s := skeleton(c)
		u, ok := k.users[s]
		switch {
		case strings.HasPrefix(s, adminSkeleton): // such as "administrator"
			u, ok = protocol.KnownUser{UserID: auth.AdminUser, Role: protocol.Admin}, true
		case i > 0 && len(s) < minResembling:
			ok = false
		}
		if ok && (p.Resembles == "" || u.Role == protocol.Admin) {
			p.Resembles, p.ResemblesRole = u.UserID, u.Role
		}
	}
	if d, ok := k.devices[skeleton(p.DeviceName)]; ok && p.Resembles == "" {
		p.Resembles, p.ResemblesRole = words.Device(d.Label, d.DeviceName, d.UserAgent), d.Role
	}
}

// skeleton is words.Skeleton of a name without accents, invisible characters and other
// forms of the same letters (Unicode's NFKD).
func skeleton(name string) string {
	return words.Skeleton(strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Cc) {
			return -1
		}
		return r
	}, norm.NFKD.String(name)))
}
