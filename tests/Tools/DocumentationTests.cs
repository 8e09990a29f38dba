using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Framework.Components;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;
using Tessera.Framework.Models;

namespace Tessera.Tests.Tools;

/// <summary>What docs/ shows is true: its configs merge to what they say, its code compiles and runs.</summary>
public sealed class DocumentationTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-docs").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Configs_EveryExample_GivesWhatThePageSays()
    {
        var shown = 0;
        var last = "";
        foreach (var snippet in Snippets.Of("docs/configs.md"))
        {
            if (snippet is { Language: "jsonc", FileName: { } name })
            {
                last = Path.Combine(_folder, name);
                File.WriteAllText(last, snippet.Text);
            }
            else if (snippet.Language == "json")
            {
                var resolved = ConfigDocument.Load(last, environment: _ => null).ResolvedText();
                Assert.True(JsonNode.DeepEquals(JsonNode.Parse(snippet.Text), JsonNode.Parse(resolved)), $"{last}:\n{resolved}");
                shown++;
            }
        }

        Assert.Equal(2, shown);
    }

    [Fact]
    public void AddingABackbone_TheExample_CompilesBuildsAndRuns()
    {
        var snippets = Snippets.Of("docs/adding-a-backbone.md");
        File.WriteAllText(Path.Combine(_folder, "StemOnly.cs"), snippets.Single(snippet => snippet.Language == "csharp").Text);
        var config = snippets.Single(snippet => snippet.Language == "jsonc");
        var path = Path.Combine(_folder, config.FileName!);
        File.WriteAllText(path, config.Text);

        var document = ConfigDocument.Load(path);
        using var services = Composition.Services(document).BuildServiceProvider();
        var builder = services.GetRequiredService<ComponentBuilder>();
        using var backbone = builder.Build(builder.Describe<Backbone>(document, "model.backbone"));
        using var scope = TorchSharp.torch.NewDisposeScope();
        var map = Assert.Single(backbone.call(TorchSharp.torch.rand(2, 3, 32, 32)));
        Assert.Equal([2, 16, 8, 8], map.shape);
        Assert.Equal([16], backbone.OutChannels);
        builder.Describe<VisionModel>(document, "model");
    }

    [Fact]
    public void AddingADataset_TheExample_CompilesAndLoads()
    {
        var snippets = Snippets.Of("docs/adding-a-dataset.md");
        File.WriteAllText(Path.Combine(_folder, "NamedFiles.cs"), snippets.Single(snippet => snippet.Language == "csharp").Text);
        var config = snippets.Single(snippet => snippet.Language == "jsonc");
        var images = Directory.CreateDirectory(Path.Combine(_folder, "images")).FullName;
        foreach (var name in new[] { "cat_1.bmp", "dog_1.bmp", "cat_2.bmp" })
            File.WriteAllBytes(Path.Combine(images, name), TwoByTwo());
        var path = Path.Combine(_folder, config.FileName!);
        File.WriteAllText(path, config.Text);

        var document = ConfigDocument.Load(path, [$"train.dataset.path={images}"]);
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
    public void AddingADataset_TheLabelMaps_AreValid()
    {
        var maps = Snippets
            .Of("docs/adding-a-dataset.md")
            .Single(snippet => snippet.Language == "json")
            .Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3, maps.Length);
        foreach (var map in maps)
        {
            var document = ConfigDocument.Parse($"{{ \"type\": \"SegmentationFolder\", \"path\": \"x\",\n{map}\n}}");
            using var services = Composition.Services(document).BuildServiceProvider();
            var options = (Datasets.Segmentation.LabelOptions)
                services.GetRequiredService<ComponentBuilder>().Describe<Dataset>(document).Options!;
            Assert.NotEmpty(options.Table().Classes);
        }
    }

    /// <summary>A 24-bit BMP, its rows padded to 8 bytes.</summary>
    private static byte[] TwoByTwo() =>
        [
            .. "BM"u8,
            70,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            54,
            0,
            0,
            0,
            40,
            0,
            0,
            0,
            2,
            0,
            0,
            0,
            2,
            0,
            0,
            0,
            1,
            0,
            24,
            0,
            .. new byte[24],
            .. new byte[16],
        ];
}
