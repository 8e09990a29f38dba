using Tessera.Framework.Configuration;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Framework.Configuration;

/// <summary>Bases that travel with Tessera: "tessera:FOLDER/FILE.json".</summary>
public sealed class ShippedConfigTests
{
    [Fact]
    public void Base_WithThePrefix_IsTheShippedFile()
    {
        using var folder = new ConfigFolder(
            ("own.json", """{ "_base_": ["tessera:_base_/runtime.json", "near.json"], "seed": 3 }"""),
            ("near.json", """{ "train": { "epochs": 2 } }""")
        );
        var document = folder.Load("own.json");
        Assert.Equal("NanGuardHook", ((ConfigValue)document.Find("hooks.nan_guard.type")!).Text);
        Assert.Equal("2", ((ConfigValue)document.Find("train.epochs")!).Text);
        Assert.Equal("3", ((ConfigValue)document.Find("seed")!).Text);
    }

    [Theory]
    [InlineData("tessera:_base_/runtim.json", "Did you mean \"tessera:_base_/runtime.json\"?")]
    [InlineData("tessera:resnet18_imagefolder.json", "Did you mean \"tessera:resnet/resnet18_imagefolder.json\"?")]
    [InlineData("tessera:fcos/nothing.json", "In tessera:fcos/ are ")]
    [InlineData("tessera:nothing-like-it.json", "Folders: tessera:_base_/, ")]
    [InlineData("tessera:../README.md", "No config that travels with Tessera is named")]
    [InlineData("tessera:/etc/hostname", "No config that travels with Tessera is named")]
    [InlineData("tessera:", "No config that travels with Tessera is named")]
    public void Base_Unknown_IsToldWithWhatIsNear(string name, string expected)
    {
        using var folder = new ConfigFolder(("own.json", $$"""{ "_base_": "{{name}}" }"""));
        var message = folder.ErrorOf("own.json");
        Assert.StartsWith("own.json:1  _base_\n", message, StringComparison.Ordinal);
        Assert.Contains(expected, message, StringComparison.Ordinal);
    }

    [Fact]
    public void NoFolder_IsTold()
    {
        Assert.Null(ShippedConfigs.PathOf("tessera:a.json", folder: null, out var mistake));
        Assert.Contains("there is no folder of them beside this program", mistake, StringComparison.Ordinal);
        Assert.Null(ShippedConfigs.Find([Path.GetTempPath()]));
    }

    [Fact]
    public void Folder_BesideTheProgram_ComesBeforeTheRepositorys()
    {
        using var folder = new ConfigFolder(
            ("configs/_base_/runtime.json", "{}"),
            ("configs/a/b.json", "{}"),
            ("configs/schema.json", "{}")
        );
        var found = ShippedConfigs.Find([folder.Root, AppContext.BaseDirectory]);
        Assert.Equal(Path.Combine(folder.Root, "configs"), found);
        Assert.Equal(["tessera:_base_/runtime.json", "tessera:a/b.json"], ShippedConfigs.Names(found!));
    }
}
