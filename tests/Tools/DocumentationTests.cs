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
        Directory.CreateSymbolicLink(Path.Combine(_folder, "configs"), Path.Combine(Snippets.Repository, "configs"));

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
}
