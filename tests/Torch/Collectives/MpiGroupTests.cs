using System.Diagnostics;
using Xunit.Abstractions;

namespace Tessera.Tests.Torch.Collectives;

/// <summary>The cases of <see cref="CollectiveCases"/> in two and in three processes.</summary>
public sealed class MpiGroupTests(MpiGroupTests.Runs runs, ITestOutputHelper output) : IClassFixture<MpiGroupTests.Runs>
{
    public static TheoryData<int, string> Cases
    {
        get
        {
            var cases = new TheoryData<int, string>();
            foreach (var processes in (int[])[2, 3])
            foreach (var name in CollectiveCases.All.Keys)
                cases.Add(processes, name);
            return cases;
        }
    }

    [MpiTheory]
    [MemberData(nameof(Cases))]
    public void Case_HoldsInEveryProcess(int processes, string name)
    {
        var (code, said) = runs.Of(processes);
        Assert.True(code == 0, said);
        Assert.Contains($", {processes} processes", said, StringComparison.Ordinal);
        var line = said.Split('\n').SingleOrDefault(line => line.StartsWith($"case {name}: ", StringComparison.Ordinal));
        Assert.True(line?.Trim() == $"case {name}: ok", line ?? said);
        foreach (var time in said.Split('\n').Where(line => line.StartsWith("time ", StringComparison.Ordinal)))
            output.WriteLine(time);
    }

    public sealed class Runs
    {
        private readonly Dictionary<int, (int, string)> _runs = [];

        internal (int Code, string Said) Of(int processes)
        {
            lock (_runs)
            {
                if (!_runs.TryGetValue(processes, out var run))
                    _runs.Add(processes, run = Run(processes));
                return run;
            }
        }

        private static (int, string) Run(int processes)
        {
            using var process = Process.Start(Mpirun.Start(processes, typeof(CollectiveCases).Assembly.Location, "collectives"))!;
            var error = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEndAsync();
            if (process.WaitForExit(TimeSpan.FromMinutes(3)))
                return (process.ExitCode, output.Result + error.Result);
            process.Kill();
            return (-1, $"A process waits for one that doesn't come.\n{output.Result}{error.Result}");
        }
    }
}
