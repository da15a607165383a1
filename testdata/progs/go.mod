module gosched.test/progs

go 1.18
