using Microsoft.Extensions.Logging;
using Tessera.Framework.Hooks;
using Tessera.Framework.Messages;
using Tessera.Tests.Framework.Running;
using Tessera.Torch;

namespace Tessera.Tests.Framework.Logging;

/// <summary>LogHook tells once when steps suddenly take many times as long: another program holds a core.</summary>
[Collection(ProcessWide.Name)]
public sealed class SharedCoresTests
{
    private static readonly TimeSpan s_usual = TimeSpan.FromMilliseconds(40),
        s_held = TimeSpan.FromMilliseconds(600);

    [Fact]
    public void StepsThatTakeManyTimesAsLong_AreTold_Once()
    {
        var warning = Assert.Single(Warnings(threads: 2));
        Assert.Matches(@"^Steps take \d+ times as long as before\. Other programs seem to share the cores", warning);
        Assert.Contains("threads=1 in the config", warning, StringComparison.Ordinal);
    }

    [Fact]
    public void OneThread_WaitsForNoOther_AndIsNotTold() => Assert.Empty(Warnings(threads: 1));

    private static string[] Warnings(int threads)
    {
        var (before, recorder, steps) = (Threads.Count, new Recorder(), 0);
        using var model = new TinyModel();
        using var trainer = TrainerTests.Make(
            model,
            loop: TrainerTests.Iterations(6),
            hooks: new()
            {
                ["log"] = new LogHook(new LogHookOptions(1)),
                ["spy"] = new TrainerTests.Spy { Iterated = _ => Thread.Sleep(++steps is 4 or 5 ? s_held : s_usual) },
            }
        );
        Threads.Set(threads);
        using (Log.AddProvider(recorder))
        {
            try
            {
                trainer.Run();
            }
            finally
            {
                Threads.Set(before);
            }
        }
        return [.. recorder.Of(LogLevel.Warning)];
    }
}
