using Tessera.Tests.Torch.Collectives;

// The tests' own assembly as a program: the processes that the tests of several processes start under mpirun.
return args is ["collectives"] ? CollectiveCases.Run() : 2;
