using Microsoft.Extensions.DependencyInjection;
using Tessera.Framework.Components;
using Tessera.Framework.Configuration;
using Tessera.Framework.Running;

namespace Tessera.Tests.Tools.Configs;

/// <summary>Every file in configs/ builds; those below 50 M parameters train two iterations, the larger ones where TESSERA_TEST_FULL is
/// set.</summary>
[Collection(InProcess.Name)]
public sealed class ConfigTests(TinyData data) : IClassFixture<TinyData>
{
    private const long Large = 50_000_000;

    private static readonly string Configs = Path.Combine(Snippets.Repository, "configs");

    public static TheoryData<string> All() =>
        [
            .. Directory
                .EnumerateFiles(Configs, "*.json", SearchOption.AllDirectories)
                .Select(path => Path.GetRelativePath(Configs, path).Replace('\\', '/'))
                .Where(path => path.Contains('/', StringComparison.Ordinal) && !path.StartsWith("_base_/", StringComparison.Ordinal))
                .Order(StringComparer.Ordinal),
        ];

    [Theory]
    [MemberData(nameof(All))]
    public void Config_BuildsAndTrainsTwoIterations(string name)
    {
        var path = Path.Combine(Configs, name);
        var whole = ConfigDocument.Load(path, [$"data_root={data.Root}"], environment: _ => null);
        var overrides = Tiny(whole).Prepend($"data_root={data.Root}").ToArray();
        if (whole.Find("distill") is not null)
            overrides = [.. overrides, $"distill.teacher={Teacher()}"];
        var document = ConfigDocument.Load(path, overrides, environment: _ => null);
        long parameters;
        using (var session = Session.Open(document))
        {
            var options = session.Options;
            using var model = session.CreateModel(session.Data[DataPart.Train].Info);
            parameters = model.parameters().Sum(parameter => parameter.numel());
            Assert.NotEmpty(options.Schedule ?? []);
            Assert.NotEmpty(options.Val?.Metrics ?? new Dictionary<string, ComponentSpec<Framework.Metrics.Metric>?>());
        }
        if (parameters >= Large && Environment.GetEnvironmentVariable("TESSERA_TEST_FULL") != "1")
            return;

        var workDir = Path.Combine(data.Root, "work_dirs", name);
        var trained = Tool.Run(["train", path, "--work-dir", workDir, "--device", "cpu", "--cfg-options", .. overrides]).Succeeds();
        Assert.Contains("Done: 2 iterations", trained.All, StringComparison.Ordinal);
        Assert.Contains("Evaluation after iteration 2", trained.All, StringComparison.Ordinal);
        Assert.All(Running.TrainingRun.Losses(workDir).Values, loss => Assert.Matches(@"^-?\d", loss));
    }

    [Fact]
    public void Base_IsNamedBySomeConfig()
    {
        var texts = Directory.EnumerateFiles(Configs, "*.json", SearchOption.AllDirectories).Select(File.ReadAllText).ToArray();
        foreach (
            var path in Directory
                .EnumerateFiles(Path.Combine(Configs, "_base_"), "*.json", SearchOption.AllDirectories)
                .Where(path =>
                    // openseg's names, for users' configs; LossBaseTests trains with them
                    Path.GetFileName(Path.GetDirectoryName(path)) != "losses"
                    && !File.ReadAllText(path).Contains("LoadSegmentation", StringComparison.Ordinal)
                )
        ) // published sets; DatasetBaseTests reads them
            Assert.Contains(
                texts,
                text => text.Contains(Path.GetFileName(path), StringComparison.Ordinal) && text.Contains("_base_", StringComparison.Ordinal)
            );
    }

    [Fact]
    public void Folder_HasAReadme_ThatNamesEveryConfigOfIt()
    {
        foreach (var folder in Directory.EnumerateDirectories(Configs).Where(folder => Path.GetFileName(folder) != "_base_"))
        {
            var readme = File.ReadAllText(Path.Combine(folder, "README.md"));
            Assert.All(
                Directory.EnumerateFiles(folder, "*.json"),
                config => Assert.Contains(Path.GetFileName(config), readme, StringComparison.Ordinal)
            );
        }
    }

    /// <summary>A classifier of ten Shapes, hardly trained.</summary>
    private string Teacher()
    {
        var folder = Path.Combine(data.Root, "teacher");
        var config = Path.Combine(Configs, "resnet", "resnet-small_shapes.json");
        string[] tiny = ["train.epochs=1", "train.dataset.count=4", "train.loader.batch_size=2", "val=null"];
        if (!Directory.Exists(folder))
            Tool.Run(["train", config, "--work-dir", folder, "--device", "cpu", "--cfg-options", .. tiny]).Succeeds();
        return folder;
    }

    /// <summary>Two iterations on a few small images; the model stays as it is.</summary>
    private static IEnumerable<string> Tiny(ConfigDocument document)
    {
        yield return "train.loop=iterations";
        yield return "train.iterations=2";
        yield return "train.validate_every=2";
        yield return "train.accumulate=1";
        yield return "train.loader.batch_size=2";
        yield return "hooks.checkpoint=null";
        foreach (var part in new[] { "train", "val", "test" })
        {
            if (document.Find($"{part}.dataset") is null)
                continue;
            yield return $"{part}.loader.workers=0";
            if (part != "train")
                yield return $"{part}.loader.batch_size=5";
            if (document.Find($"{part}.dataset.type") is ConfigValue { Text: "Shapes" })
                yield return $"{part}.dataset.count=10";
        }
        if (document.Find("vars.size") is ConfigList)
            yield return document.Find("model.backbone.patch_size") is null ? "vars.size=[64,80]" : "vars.size=[72,96]";
        else if (document.Find("train.dataset.pipeline.LoadSegmentation") is not null)
        {
            if (document.Find("train.dataset.pipeline.RandomCrop.size") is not null)
                yield return "train.dataset.pipeline.RandomCrop.size=[64,64]";
            if (document.Find("train.dataset.pipeline.RandomResize.size") is not null)
            {
                yield return "train.dataset.pipeline.RandomResize.size=[64,80]";
                yield return "val.dataset.pipeline.Resize.size=[64,80]";
            }
        }
        if (document.Find("train.dataset.pipeline.RandomCrop.size") is ConfigValue { Text: "448" })
            yield return "train.dataset.pipeline.RandomCrop.size=128";
        if (document.Find("vars.size") is not null && document.Find("train.dataset.type") is ConfigValue { Text: "CocoPanoptic" })
            yield return "vars.size=64";
        if (document.Find("vars.crop") is not null)
            yield return "vars.crop=64";
        if (document.Find("train.dataset.pipeline.RandomResizedCrop") is not null)
            yield return "train.dataset.pipeline.RandomResizedCrop.size=64";
        if (document.Find("train.dataset.pipeline.Resize.shorter_side") is not null)
            yield return "train.dataset.pipeline.Resize.shorter_side=64";
        if (document.Find("train.dataset.pipeline.RandomResize.shorter_sides") is not null)
            yield return "train.dataset.pipeline.RandomResize.shorter_sides=[64]";
        if (document.Find("model.multi_scale") is not null)
            yield return "model.multi_scale=[256]";
        if (document.Find("val.dataset.pipeline.CenterCrop") is not null)
            yield return "val.dataset.pipeline.CenterCrop.size=64";
        if (document.Find("val.dataset.pipeline.Resize.shorter_side") is not null)
            yield return "val.dataset.pipeline.Resize.shorter_side=64";
        if (document.Find("model.backbone.init") is not null)
            yield return "model.backbone.init=null";
        if (document.Find("model.init") is not null)
            yield return "model.init=null";
    }
}
