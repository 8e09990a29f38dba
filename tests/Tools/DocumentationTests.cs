using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Framework.Components;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;

namespace Tessera.Tests.Tools;

/// <summary>What docs/ shows is true: its configs merge to what they say, its label maps are valid.</summary>
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
