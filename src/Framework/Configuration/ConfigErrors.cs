using System.Text.Json;
using System.Text.RegularExpressions;
using Tessera.Framework.Errors;

namespace Tessera.Framework.Configuration;

/// <summary>Words the mistakes in config files; one method for each kind of mistake.</summary>
internal static partial class ConfigErrors
{
    public static string FileNotRead(string path, Exception exception)
    {
        if (Directory.Exists(path))
            return $"{SourceLocation.Display(path)} is a folder; a config file is expected.";
        if (exception is not (FileNotFoundException or DirectoryNotFoundException))
            return $"The file can't be read: {exception.Message}";
        var folder = Path.GetDirectoryName(path)!;
        if (!Directory.Exists(folder))
            return $"There is no file {SourceLocation.Display(path)}: its folder doesn't exist.";
        var names = Directory.EnumerateFiles(folder, "*.json").Take(1000).Select(file => Path.GetFileName(file));
        return $"There is no file {SourceLocation.Display(path)}.{NearestName.Suggest(Path.GetFileName(path), names)}";
    }

    public static string FileTooLarge(string path, int limit) =>
        $"{SourceLocation.Display(path)} is larger than {limit >> 20} MB; that is no config.";

    public static string NotJson(JsonException exception, string text)
    {
        if (text.TrimStart() is "")
            return "The file is empty; a JSON object is expected: { … }.";
        if (PythonConfig().IsMatch(text))
            return "This is a Python config; Tessera's are JSON: { \"type\": \"ResNet\", \"depth\": 50 } instead of "
                + "dict(type='ResNet', depth=50).";
        var reason = TrailingPosition().Replace(exception.Message, "").TrimEnd('.');
        if (
            reason.Contains("'T' is an invalid", StringComparison.Ordinal)
            || reason.Contains("'F' is an invalid", StringComparison.Ordinal)
            || reason.Contains("'N' is an invalid", StringComparison.Ordinal)
        )
            reason += ". In JSON: true, false, null";
        if (reason.Contains("''' is an invalid", StringComparison.Ordinal))
            reason += ". In JSON, strings take double quotes";
        return $"This isn't JSON: {reason}.";
    }

    public static string NotUtf8() => "This text isn't UTF-8.";

    public static string RootIsNoObject(ConfigNode root) => $"A config is a JSON object, {{ … }}; here is {Kind(root)}.";

    public static string KeyTwice(string key, SourceLocation first) =>
        $"\"{key}\" is given twice in one object; first in line {first.Line}.";

    public static string CyclicBases(IReadOnlyList<string> chain) =>
        "The bases go in a circle: " + string.Join(" -> ", chain.Select(SourceLocation.Display)) + ".";

    public static string BaseIsNoPath(ConfigNode node) =>
        $"A base is the path of a config file, relative to this one; here is {ConfigWriter.Excerpt(node)}.";

    public static string NoShippedConfigs(string name) =>
        $"{name} is a config that travels with Tessera, and there is no folder of them beside this program. The tool tessera and programs "
        + "that reference the package Tessera have one (configs/_base_/runtime.json); name the base by its path instead.";

    /// <param name="known">All shipped configs, with the prefix.</param>
    public static string NoSuchShippedConfig(string name, IReadOnlyList<string> known)
    {
        // People often know the file's name and not its folder.
        var file = name.Split('/', ':')[^1];
        var sameName = known.Where(other => other.Split('/', ':')[^1] == file).ToArray();
        var folder = name[..(name.LastIndexOf('/') + 1)];
        var neighbours = folder.Length == 0 ? [] : known.Where(other => other.StartsWith(folder, StringComparison.Ordinal)).ToArray();
        var near = sameName.Length > 0 ? $" Did you mean \"{sameName[0]}\"?" : NearestName.Suggest(name, known);
        var folders = known.Select(other => other[..(other.IndexOf('/', StringComparison.Ordinal) + 1)]).Distinct();
        return $"No config that travels with Tessera is named \"{name}\".{near}\n"
            + (
                neighbours.Length > 0
                    ? $"In {folder} are {string.Join(", ", neighbours.Select(other => other[folder.Length..]))}."
                    : $"Folders: {string.Join(", ", folders)}."
            );
    }

    public static string TooManyBases(int limit) => $"The config has more than {limit} bases.";

    public static string BaseInText() => "Only a file can have bases.";

    public static string SiblingConflict(string path, ConfigNode above, ConfigNode below) =>
        $"Two bases set {path} to different values:\n"
        + $"  {below.Source}  {ConfigWriter.Excerpt(below)}\n"
        + $"  {above.Source}  {ConfigWriter.Excerpt(ValueAt(above, path) ?? above)}\n"
        + "Let one of them name the other as its base, or take the key out of one.";

    public static string SiblingEdit(SourceLocation list) =>
        $"\"_edit_\" changes a list that a sibling set ({list}). Name that file as a base here, or edit the list where both are bases.";

    public static string NothingToEdit(ConfigNode? below) =>
        below is null or ConfigValue { Kind: ConfigValueKind.Null }
            ? "\"_edit_\" changes an inherited list, but nothing is inherited here. Write the list itself."
            : $"\"_edit_\" changes an inherited list; what is inherited here is {Kind(below)} ({below.Source}).";

    public static string EditIsNotAlone(IEnumerable<string> others) =>
        $"\"_edit_\" stands alone in its object; here are also {Names(others)}.";

    public static string NoEdit(ConfigNode edit) =>
        $"{ConfigWriter.Excerpt(edit)} is no edit. Edits are {{ \"after\": STEP, \"insert\": … }}, {{ \"before\": STEP, \"insert\": … }}, "
        + "{ \"replace\": STEP, \"with\": … }, { \"change\": STEP, \"with\": … } and { \"remove\": STEP }.";

    public static string NoSuchStep(string name, string type, int count, IReadOnlyList<string> types)
    {
        var steps = $"The inherited steps are {string.Join(", ", types)}.";
        if (count == 0)
            return $"No inherited step is named \"{type}\".{NearestName.Suggest(type, types)}\n{steps}";
        return name.Contains('#', StringComparison.Ordinal)
            ? $"There is no step \"{name}\": {type} occurs {(count == 1 ? "once" : $"{count} times")}.\n{steps}"
            : $"{type} occurs {count} times; name one: "
                + $"{string.Join(", ", Enumerable.Range(1, count).Select(i => $"{type}#{i}"))}.\n{steps}";
    }

    public static string NoOverride(string text) =>
        $"\"{text}\" is no override. Write KEY=VALUE, as in model.backbone.depth=18; a key that holds dots is quoted: "
        + $"optimizer.groups.\"backbone.norm\".lr_mult=0.";

    public static string NoSuchItem(string path, ConfigList list, string key)
    {
        var types = list.Select(ListEdits.TypeOf).OfType<string>().ToList();
        var items = types.Count == list.Count && list.Count > 0 ? $": {string.Join(", ", types)}" : "";
        return $"{path} has no item \"{key}\".{NearestName.Suggest(key, types)} It has {list.Count} items, numbered from 0{items}.";
    }

    public static string NoMapToSet(string path, ConfigNode node) =>
        $"{path} is {ConfigWriter.Excerpt(node)} ({node.Source}); it holds no further keys.";

    public static string CyclicReference(IReadOnlyList<string> chain) =>
        "The references go in a circle: " + string.Join(" -> ", chain.Select(path => $"${{{path}}}")) + ".";

    public static string OpenReference(string text) =>
        $"\"{text}\" is no reference. Write ${{a.b}} for a key, ${{env:NAME}} or ${{env:NAME,default}} for the environment, $${{ for a "
        + $"plain ${{.";

    public static string ReferenceInText(string reference, ConfigNode found) =>
        $"{reference} is {Kind(found)} and can't stand inside a string; let it be the whole value.";

    public static string ReferencesGrow() => "The references expand to more than a config can hold.";

    public static string NoSuchKey(string expression, string parent, string key, IEnumerable<string> known) =>
        $"${{{expression}}} names no key: {(parent.Length == 0 ? "the config" : parent)} has no "
        + $"\"{key}\".{NearestName.Suggest(key, known)}";

    public static string VariableNotSet(string name) =>
        $"The environment variable {name} isn't set. Set it, or give a default: ${{env:{name},default}}.";

    public static string NoPath(string path) =>
        $"\"{path}\" is no key. Write it with dots, as in model.backbone.depth; a key that holds dots is quoted.";

    public static string NoKeyToExplain(string path, string parent, string key, IEnumerable<string> known) =>
        $"The config has no key {path}: {(parent.Length == 0 ? "at its top there is" : $"{parent} has")} no "
        + $"\"{key}\".{NearestName.Suggest(key, known)}";

    public static string NoGridKey(string key, IReadOnlyCollection<string> known) =>
        $"A grid has no key \"{key}\".{NearestName.Suggest(key, known)} It has {string.Join(", ", known)}; what all cells share stands in "
        + "the base.";

    public static string GridWithoutBase() => "The grid names no base: \"_base_\": \"CONFIG.json\", relative to the grid's folder.";

    public static string NoAxes() =>
        "A grid needs axes: \"axes\": { \"loss\": { \"ce\": {}, \"focal\": { \"model.head.loss.type\": \"FocalLoss\" } } }.";

    public static string NoLevels(ConfigNode node) =>
        $"An axis is an object of levels, each with its name: {{ \"ce\": {{}}, \"focal\": {{ … }} }}. Found {Excerpt(node)}.";

    public static string NoLevel(ConfigNode node) =>
        $"A level is an object of changes to the config: {{ \"optimizer.lr\": 0.1 }}, or {{}} for none. Found {Excerpt(node)}.";

    public static string TooManyCells(int most) => $"The axes have more than {most} combinations.";

    public static string NoFolderName(string name) =>
        $"\"{name}\" can't be a folder's name. Axes and levels are named by up to 60 letters, digits, and - _ . +, without a dot in front.";

    public static string OneOfTwo(string one, string other) => $"{one} and {other} say the same in two ways; give one of them.";

    public static UserErrorException PluginsInCheckpoint(string checkpoint, ConfigList plugins) =>
        new(
            $"{checkpoint}\n  Its config names {(plugins.Count == 1 ? "a plugin" : "plugins")}: "
                + $"{string.Join(", ", plugins.Select(ConfigWriter.Excerpt))}.\n"
                + "  A plugin is code, so none is loaded from a checkpoint. If you trust it, name it yourself: Plugins = [PATH].",
            new Advice("Plugins = [PATH]", "plugins")
        );

    public static string WrongType(string expected, ConfigNode node)
    {
        var hint = node switch
        {
            ConfigValue { Kind: ConfigValueKind.String, Text: "True" or "False" or "None" } python =>
                $" In JSON: {(python.Text == "None" ? "null" : python.Text.ToLowerInvariant())}.",
            ConfigValue { Kind: ConfigValueKind.String, Text: var text } when text.StartsWith("dict(", StringComparison.Ordinal) =>
                " In JSON: { \"type\": … } instead of dict(type=…).",
            ConfigValue { Kind: ConfigValueKind.String, Text: var text } when text.StartsWith("${env:", StringComparison.Ordinal) =>
                " The environment variable isn't set.",
            _ => "",
        };
        return $"Expected {expected}; found {Kind(node)}: {ConfigWriter.Excerpt(node)}.{hint}";
    }

    private static string Kind(ConfigNode node) =>
        node switch
        {
            ConfigMap => "an object",
            ConfigList => "a list",
            ConfigValue { Kind: ConfigValueKind.String } => "a string",
            ConfigValue { Kind: ConfigValueKind.Number } => "a number",
            ConfigValue { Kind: ConfigValueKind.Boolean } => "a boolean",
            _ => "null",
        };

    private static string Excerpt(ConfigNode node) => $"{Kind(node)}: {ConfigWriter.Excerpt(node)}";

    private static string Names(IEnumerable<string> names) => string.Join(", ", names.Select(name => $"\"{name}\""));

    // A conflict deep inside: show the value at the path that clashes.
    private static ConfigNode? ValueAt(ConfigNode above, string path)
    {
        if (above is not ConfigMap || ConfigPath.Split(path) is not { } keys)
            return above;
        for (var skip = 0; skip < keys.Count; skip++)
        {
            if (ConfigDocument.Find((ConfigMap)above, ConfigPath.Join(keys.Skip(skip))) is { } found)
                return found;
        }

        return null;
    }

    [GeneratedRegex(
        @"\bdict\s*\(|^\s*(import|from)\s|^\s*\w+\s*=\s",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000
    )]
    private static partial Regex PythonConfig();

    [GeneratedRegex(
        @"\s*(Path: \S* \| )?LineNumber: \d+ \| BytePositionInLine: \d+\.?$",
        RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000
    )]
    private static partial Regex TrailingPosition();
}
