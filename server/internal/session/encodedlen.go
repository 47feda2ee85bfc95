package session

import "github.com/gatehouse-chat/gatehouse/shared/jsontext"

// EncodedLen returns the length of text as a JSON string, quotes included: what the text
// adds to a frame or an event.
func EncodedLen(text string) int { return len(jsontext.AppendString(nil, text)) }
