using Tessera;
using Tessera.Framework.Configuration;
using Tessera.Framework.Models;
using TorchSharp;

namespace MyProject.Tests;

public sealed class SmallNetTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("smallnet-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Maps_HaveThePromisedShapes_AndEveryParameterLearns()
    {
        using var scope = torch.NewDisposeScope();
        using var net = new SmallNet(new SmallNetOptions([4, 8]));
        var maps = net.call(torch.randn(2, 3, 33, 40));
        Assert.Equal([2, 4, 17, 20], maps[0].shape);
        Assert.Equal([2, 8, 9, 10], maps[1].shape);
        maps[^1].square().sum().backward();
        Assert.All(net.parameters(), parameter => Assert.True(parameter.grad is not null));
    }

    [Fact]
    public void Config_TrainsForTwoIterations_AndItsCheckpointPredicts()
    {
        var images = Path.Combine(Project(), "images");
        var document = ConfigDocument.Load(
            Path.Combine(Project(), "configs", "smallnet.json"),
            ["train.epochs=1", $"train.dataset.path={images}", $"val.dataset.path={images}"]
        );
        using (var session = Session.Open(document))
        using (var runner = Runner.Create(session, new RunnerOptions { WorkDir = _folder }))
            runner.Run();

        var options = new PredictorOptions { Plugins = [typeof(SmallNet).Assembly.Location] };
        using var predictor = Predictor.Load(Path.Combine(_folder, "epoch_1.safetensors"), options);
        Assert.IsType<SmallNet>(predictor.Model.children().First(child => child is Backbone));
        var found = predictor.Classify(Path.Combine(images, "val", "circle", "1.png"));
        Assert.Equal(["circle", "square"], predictor.Data.Classes);
        Assert.Equal(1, found.Ranked.Sum(entry => entry.Score), tolerance: 1e-4f);
    }

    /// <summary>The folder with the solution, found from the test's assembly upwards.</summary>
    private static string Project()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "MyProject.slnx")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("MyProject.slnx is in no folder above the test.");
        return folder;
    }
}
