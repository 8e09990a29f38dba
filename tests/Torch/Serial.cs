// Random numbers, live tensors and threads belong to the whole process; the tests take seconds.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
