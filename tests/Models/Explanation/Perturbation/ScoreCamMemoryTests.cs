using System.Globalization;
using Tessera.Models.Explanation;
using Tessera.Models.Explanation.Methods;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Explanation.Perturbation;

[Collection(ProcessWide.Name)]
public sealed class ScoreCamMemoryTests(ITestOutputHelper output)
{
    // All masked images at once would be 2,048 · 3 · 224² · 4 B = 1.2 GB.
    [LinuxFact]
    public void ScoreCam_MoreChannels_NeedNoMoreMemory()
    {
        var few = Peak(64);
        var many = Peak(2048);
        output.WriteLine($"{few} MB with 64 channels, {many} MB with 2048");
        Assert.True(many - few < 150, $"{few} MB with 64 channels, {many} MB with 2048");
    }

    // In MB.
    private static long Peak(int channels)
    {
        using var model = new WideNet(channels);
        using var scope = NewDisposeScope();
        var images = Explained.Images(1, 224, 224);
        var target = Explained.Target(1);
        using var run = new ExplainedRun(model, images, target, MapLayers.Named(model, "first", images, target));
        _ = new ScoreCam(new()).Contributions(run);
        var line = File.ReadLines("/proc/self/status").First(one => one.StartsWith("VmHWM", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) / 1024;
    }
}
