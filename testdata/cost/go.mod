module github.com/gosched/gosched/testdata/cost

go 1.26.0
