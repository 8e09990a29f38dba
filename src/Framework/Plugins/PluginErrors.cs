using Tessera.Framework.Errors;

namespace Tessera.Framework.Plugins;

/// <summary>Words what goes wrong with plugins; one method for each kind of mistake.</summary>
internal static class PluginErrors
{
    public static UserErrorException At(PluginReference plugin, string text) =>
        new($"{plugin.Source}  plugins\n  {text.ReplaceLineEndings("\n  ")}");

    public static string Missing(string path)
    {
        var folder = Path.GetDirectoryName(path)!;
        if (!Directory.Exists(folder))
            return $"There is no plugin {SourceLocation.Display(path)}: its folder doesn't exist.";
        var names = Directory
            .EnumerateFiles(folder)
            .Take(1000)
            .Select(file => Path.GetFileName(file))
            .Where(name => Path.GetExtension(name) is ".dll" or ".cs" or ".csproj");
        return $"There is no plugin {SourceLocation.Display(path)}.{NearestName.Suggest(Path.GetFileName(path), names)}";
    }

    public static string WrongKind(string path) =>
        $"{SourceLocation.Display(path)} is no plugin; expected a .dll, a .csproj or a .cs file.";

    public static string NotLoaded(string path, string reason) => $"The plugin {SourceLocation.Display(path)} can't be loaded: {reason}";

    public static string NotBuilt(string reason) => $"The plugin can't be built: {reason}";

    public static string OldTensorLayer(string path) =>
        $"{Path.GetFileName(path)} was built for the tensor layer of an earlier release; this Tessera stands on TorchSharp's own "
        + $"assembly.\n"
        + "Name its .csproj or .cs here instead, which is built against what runs, or build it again.";

    public static string ServicesNotAdded(string path, Type type, string reason) =>
        $"{SourceLocation.Display(path)}\n  {type.FullName} could not register its services: {reason}";

    public static string OtherVersion(string reason) =>
        $"The plugin doesn't fit this Tessera; build it again, or name its source. ({reason})";
}
