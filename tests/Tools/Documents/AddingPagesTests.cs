using System.CommandLine;
using System.CommandLine.Help;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Framework.Components;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Tools.Output;

namespace Tessera.Tests.Tools.Documents;

/// <summary>The pages docs/adding-a-*.md: each file compiles in every place that they name, and each config trains with it.</summary>
[Collection(InProcess.Name)]
public sealed class AddingPagesTests(MinePlugin mine) : IClassFixture<MinePlugin>
{
    public static TheoryData<string> Pages() => [.. MinePlugin.Pages];

    /// <summary>Each builds a plugin of its own, which takes ten seconds: one of them, or with TESSERA_TEST_FULL=1 all.</summary>
    public static TheoryData<string> PagesAsOneFile() =>
        Environment.GetEnvironmentVariable("TESSERA_TEST_FULL") == "1" ? Pages() : ["adding-a-backbone"];

    [Fact]
    public void EveryPage_IsRun() =>
        Assert.Equal(
            Directory.GetFiles(Path.Combine(Snippets.Repository, "docs"), "adding-*.md").Select(Path.GetFileNameWithoutExtension).Order(),
            MinePlugin.Pages.Append("adding-a-component").Append("adding-a-tool").Order()
        );

    [Theory]
    [MemberData(nameof(Pages))]
    public void File_CompilesAsALoosePluginAndInTessera(string page)
    {
        var (source, config) = MinePlugin.FilesOf(page);
        string[][] places =
        [
            Compiled.LooseUsings(),
            Compiled.UsingsOf("src/Models/Tessera.Models.csproj"),
            Compiled.UsingsOf("src/Datasets/Tessera.Datasets.csproj"),
            Compiled.UsingsOf("src/Framework/Tessera.Framework.csproj"),
        ];
        foreach (var usings in places)
        {
            var added = new ComponentRegistry().Add(Compiled.Load([source.Text], usings)).Single();
            Assert.Contains($"\"{added.Name}\"", config.Text, StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Config_WithTheProjectOfThePages_Trains(string page)
    {
        var run = mine.Train(page);
        Assert.True(File.Exists(Path.Combine(run, "last_checkpoint")));
        if (page == "adding-a-metric")
            Assert.True(File.Exists(Path.Combine(run, "best_balanced_accuracy.safetensors")));
        if (page == "adding-a-hook")
            Assert.Contains(
                "minutes_left",
                File.ReadAllText(Directory.GetFiles(run, "scalars.jsonl", SearchOption.AllDirectories).Single()),
                StringComparison.Ordinal
            );
    }

    [Theory]
    [MemberData(nameof(PagesAsOneFile))]
    public void Config_AsItStands_Trains(string page) =>
        Assert.True(File.Exists(Path.Combine(mine.Train(page, asOneFile: true), "last_checkpoint")));

    [Fact]
    public void AddingABackbone_TheExample_BuildsAndRuns()
    {
        var document = ConfigDocument.Load(mine.At("loose-stem-only.json"));
        using var services = Composition.Services(document).BuildServiceProvider();
        var builder = services.GetRequiredService<ComponentBuilder>();
        using var backbone = builder.Build(builder.Describe<Backbone>(document, "model.backbone"));
        using var scope = TorchSharp.torch.NewDisposeScope();
        var map = Assert.Single(backbone.call(TorchSharp.torch.rand(2, 3, 32, 32)));
        Assert.Equal([2, 16, 8, 8], map.shape);
        Assert.Equal([16], backbone.OutChannels);
        var names = backbone.KeyMaps["elsewhere"];
        Assert.All(
            backbone.state_dict().Keys.Where(key => key.StartsWith("conv.", StringComparison.Ordinal)),
            key => Assert.Equal(key, names.Rename(names.Publish!(key)!))
        );
        builder.Describe<VisionModel>(document, "model");
    }

    [Fact]
    public void AddingADataset_TheExample_Loads()
    {
        var document = ConfigDocument.Load(mine.At("named-files.json"), [$"train.dataset.path={mine.Images()}"]);
        using var services = Composition.Services(document).BuildServiceProvider();
        var builder = services.GetRequiredService<ComponentBuilder>();
        var data = builder.Build(builder.Describe<Dataset>(document, "train.dataset"));
        Assert.Equal(["cat", "dog"], data.Info.Classes);
        using var loader = services
            .GetRequiredService<IBatchLoaderFactory>()
            .Create(data, data.Pipeline, null, new LoaderOptions(3), 0, training: true);
        using var batch = loader.Epoch(0).Single();
        Assert.Equal([3, 3, 32, 32], batch.Images.shape);
        Assert.Equal([0, 0, 1], batch.Labels!.data<long>().ToArray());
    }

    [Fact]
    public void AddingATool_TheExample_RunsAsAToolAndAsAProgram()
    {
        var run = mine.At("runs", "adding-a-backbone");
        if (!Directory.Exists(run))
            mine.Train("adding-a-backbone");
        var checkpoint = Path.Combine(run, File.ReadAllText(Path.Combine(run, "last_checkpoint")).Trim());
        var files = Snippets
            .Of("docs/adding-a-tool.md")
            .Where(snippet => snippet.Language == "csharp")
            .ToDictionary(file => file.FileName!);
        var tool = files["ShowCheckpointCommand.cs"].Text;

        var command = (Command)
            Compiled
                .Load([tool], Compiled.UsingsOf("tools/Tessera.Tools/Tessera.Tools.csproj"))
                .GetType("Tessera.Tools.Commands.ShowCheckpointCommand", throwOnError: true)!
                .GetMethod("Create")!
                .Invoke(null, null)!;
        var asTool = Tool.Capture(() =>
            CommandLine.Invoke(new Command("tools") { new HelpOption(), command }, ["show-checkpoint", checkpoint])
        );
        Assert.Contains("Classification: circle, ", asTool.Succeeds().Output, StringComparison.Ordinal);
        Assert.Contains("epoch 1, iteration 2", asTool.Output, StringComparison.Ordinal);
        Assert.Contains("accuracy/top1  0.", asTool.Output, StringComparison.Ordinal);

        var program = Compiled.Load([tool, files["Program.cs"].Text], [], program: true).EntryPoint!;
        string[] arguments = ["show-checkpoint", checkpoint];
        Assert.Equal(asTool.Output, Tool.Capture(() => (int)program.Invoke(null, [arguments])!).Succeeds().Output);
    }
}
