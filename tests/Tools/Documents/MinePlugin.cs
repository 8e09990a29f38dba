namespace Tessera.Tests.Tools.Documents;

/// <summary>The files of all pages that add a component, in one project as docs/adding-a-component.md shows it.</summary>
public sealed class MinePlugin : IDisposable
{
    public static readonly string[] Pages =
    [
        "adding-a-backbone",
        "adding-a-head",
        "adding-a-loss",
        "adding-a-transform",
        "adding-a-dataset",
        "adding-a-metric",
        "adding-a-hook",
    ];

    // No more than shows that it runs.
    private static readonly string[] s_tiny =
    [
        "train.epochs=1",
        "precision=fp32",
        "threads=1",
        "device=cpu",
        "train.loader.workers=0",
        "hooks.log.interval=1",
    ];

    private static readonly string[] s_fewShapes =
    [
        "train.dataset.count=16",
        "train.loader.batch_size=8",
        "val.dataset.count=10",
        "val.loader.workers=0",
        "test=null",
    ];

    public MinePlugin()
    {
        Directory.CreateSymbolicLink(At("configs"), Path.Combine(Snippets.Repository, "configs"));
        Directory.CreateDirectory(At("mine"));
        File.WriteAllText(
            At("mine", "Mine.csproj"),
            Snippets.Of("docs/adding-a-component.md").Single(snippet => snippet.Language == "xml").Text
        );
        foreach (var page in Pages)
        {
            var (source, config) = FilesOf(page);
            File.WriteAllText(At("mine", source.FileName!), source.Text);
            File.WriteAllText(At(source.FileName!), source.Text);
            File.WriteAllText(At("loose-" + config.FileName), config.Text);
            var named = $"\"plugins\": [\"{source.FileName}\"]";
            Assert.Contains(named, config.Text, StringComparison.Ordinal);
            File.WriteAllText(
                At(config.FileName!),
                config.Text.Replace(named, "\"plugins\": [\"mine/Mine.csproj\"]", StringComparison.Ordinal)
            );
        }
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("tessera-mine").FullName;

    public string At(params string[] parts) => Path.Combine([Folder, .. parts]);

    /// <summary>The page's whole file and its whole config.</summary>
    internal static (Snippet Source, Snippet Config) FilesOf(string page)
    {
        var snippets = Snippets.Of($"docs/{page}.md").Where(snippet => snippet.FileName is not null).ToArray();
        return (snippets.Single(snippet => snippet.Language == "csharp"), snippets.Single(snippet => snippet.Language == "jsonc"));
    }

    /// <summary>Trains a page's config for a few iterations.</summary>
    /// <param name="asOneFile">With the plugin as the page names it, instead of the project.</param>
    /// <returns>The work dir.</returns>
    internal string Train(string page, bool asOneFile = false)
    {
        var name = FilesOf(page).Config.FileName!;
        var run = At("runs", (asOneFile ? "loose-" : "") + page);
        var data = page == "adding-a-dataset" ? [$"train.dataset.path={Images()}"] : s_fewShapes;
        Tool.Run(["train", At((asOneFile ? "loose-" : "") + name), "--work-dir", run, "--cfg-options", .. s_tiny, .. data]).Succeeds();
        return run;
    }

    /// <summary>Files whose names begin with their class.</summary>
    internal string Images()
    {
        var images = Directory.CreateDirectory(At("images")).FullName;
        foreach (var name in new[] { "cat_1.bmp", "dog_1.bmp", "cat_2.bmp" })
            File.WriteAllBytes(Path.Combine(images, name), TwoByTwo());
        return images;
    }

    /// <summary>A 24-bit BMP, its rows padded to 8 bytes.</summary>
    private static byte[] TwoByTwo()
    {
        var file = new byte[70];
        (file[0], file[1], file[2], file[10], file[14]) = ((byte)'B', (byte)'M', 70, 54, 40);
        (file[18], file[22], file[26], file[28]) = (2, 2, 1, 24); // width, height, planes, bits
        return file;
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
