package report

import (
	"encoding/json"
	"io"
)

// WriteJSON writes a result as an indented JSON document that ends with a newline.
func WriteJSON(w io.Writer, result any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(result)
}
