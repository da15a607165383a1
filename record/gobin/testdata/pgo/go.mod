module pgo

go 1.23
