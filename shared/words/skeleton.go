package words

import "github.com/gatehouse-chat/gatehouse/shared/text"

// confusables are characters, each followed by the Latin letter that it looks like: the
// part of Unicode's list (UTS #39) that names are likely to be faked with. As a string the
// table costs the client less than as a map.
const confusables = "аaвbсcԁdеeёeһhнhіlїlјjкkӏlмmпnоoрpԛqгrѕsтtуyѵvԝwхxьb" +
	"АaВbСcЕeНhІlЈjКkМmОoРpԚqЅsТtУyѴvԜwХxЗ3ПnГr" +
	"αaβbγyεeηnιlκkνvοoρpτtυuχxωw" +
	"ΑaΒbΕeΖzΗhΙlΚkΜmΝnΟoΡpΤtΥyΧx" +
	"ıiɩiɑaɡgłløođdħhŁlØoĐd" +
	"ոnսuօoհhցgզqՕoՍs"

// dropped are the characters that separate the parts of a name.
const dropped = " \u00a0\t._-:@'’‘`´·,/\\|()[]"

// Skeleton returns a text that two names have in common if they look alike: without case,
// separators, and the difference between characters that look the same, such as the Latin
// and the Cyrillic a, 0 and O, or rn and m. It is for comparing only.
func Skeleton(name string) string {
	var out []byte
	for _, r := range name {
		if letter := lookalike(r); letter != 0 {
			r = rune(letter)
		}
		if text.Contains(dropped, string(r)) {
			continue
		}
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		switch r {
		case '0':
			r = 'o'
		case '1', 'i', '!':
			r = 'l'
		case '3':
			r = 'e'
		case '4':
			r = 'a'
		case '5', '$':
			r = 's'
		case '7':
			r = 't'
		case '8':
			r = 'b'
		}
		out = append(out, string(r)...)
		switch n := len(out); {
		case n > 1 && out[n-2] == 'r' && out[n-1] == 'n':
			out = append(out[:n-2], 'm')
		case n > 1 && out[n-2] == 'v' && out[n-1] == 'v':
			out = append(out[:n-2], 'w')
		}
	}
	return string(out)
}

// lookalike returns the Latin letter that the character looks like, or 0.
func lookalike(r rune) (letter byte) {
	if r < 0x80 {
		return 0
	}
	found := false
	for _, c := range confusables {
		if found {
			return byte(c) // #nosec G115 -- the table has only ASCII here
		}
		found = c == r
	}
	return 0
}
