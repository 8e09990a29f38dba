using System.Text;
using System.Text.Json;

namespace Tessera.Framework.Configuration;

/// <summary>JSON with comments and trailing commas to nodes; size and depth are bounded.</summary>
internal sealed class ConfigParser
{
    public const int MaxBytes = 4 << 20;

    private const int MaxDepth = 64;

    private readonly string _name;
    private readonly MistakeList _mistakes;
    private readonly List<int> _lineStarts = [0];

    private ConfigParser(string name, ReadOnlySpan<byte> bytes, MistakeList mistakes)
    {
        (_name, _mistakes) = (name, mistakes);
        for (var i = 0; i < bytes.Length; i++)
        {
            if (bytes[i] == '\n')
                _lineStarts.Add(i + 1);
        }
    }

    /// <summary>The file's root object; null where it isn't one, which has then been added to the mistakes.</summary>
    public static ConfigMap? Parse(string name, ReadOnlySpan<byte> bytes, MistakeList mistakes)
    {
        if (bytes.StartsWith(Encoding.UTF8.Preamble))
            bytes = bytes[Encoding.UTF8.Preamble.Length..];
        var parser = new ConfigParser(name, bytes, mistakes);
        var reader = new Utf8JsonReader(
            bytes,
            new JsonReaderOptions
            {
                AllowTrailingCommas = true,
                CommentHandling = JsonCommentHandling.Skip,
                MaxDepth = MaxDepth,
            }
        );
        try
        {
            if (!reader.Read())
                return null;
            var root = parser.Read(ref reader, parser.Here(ref reader), "");
            reader.Read(); // anything but comments after the value throws
            if (root is ConfigMap map)
                return map;
            mistakes.Add(new Mistake(root.Source, "", ConfigErrors.RootIsNoObject(root)));
        }
        catch (JsonException exception)
        {
            var line = bytes.TrimStart(" \t\r\n"u8).IsEmpty ? 1 : (int)(exception.LineNumber ?? 0) + 1;
            mistakes.Add(new Mistake(new SourceLocation(name, line), "", ConfigErrors.NotJson(exception, Encoding.UTF8.GetString(bytes))));
        }
        catch (InvalidOperationException)
        {
            mistakes.Add(new Mistake(parser.Here(ref reader), "", ConfigErrors.NotUtf8()));
        }

        return null;
    }

    /// <summary>A lone JSON value (of an override); null where the text is none.</summary>
    public static ConfigNode? ParseValue(string text, SourceLocation source)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var mistakes = new MistakeList();
        var parser = new ConfigParser(source.Name, bytes, mistakes);
        var reader = new Utf8JsonReader(bytes, new JsonReaderOptions { AllowTrailingCommas = true, MaxDepth = MaxDepth });
        try
        {
            reader.Read();
            var value = parser.Read(ref reader, source, "");
            reader.Read();
            return mistakes.Mistakes.Count == 0 ? value : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private ConfigNode Read(ref Utf8JsonReader reader, SourceLocation source, string path)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                return ReadMap(ref reader, source, path);
            case JsonTokenType.StartArray:
                var items = new List<ConfigNode>();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                    items.Add(Read(ref reader, Here(ref reader), ConfigPath.Join(path, $"{items.Count}")));
                return new ConfigList(source, items);
            case JsonTokenType.String:
                return new ConfigValue(source, ConfigValueKind.String, reader.GetString()!);
            case JsonTokenType.Number:
                return new ConfigValue(source, ConfigValueKind.Number, Encoding.UTF8.GetString(reader.ValueSpan));
            case JsonTokenType.True:
            case JsonTokenType.False:
                return new ConfigValue(source, ConfigValueKind.Boolean, reader.TokenType == JsonTokenType.True ? "true" : "false");
            default:
                return new ConfigValue(source, ConfigValueKind.Null, "null");
        }
    }

    private ConfigMap ReadMap(ref Utf8JsonReader reader, SourceLocation source, string path)
    {
        var map = new ConfigMap(source);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            var keySource = Here(ref reader);
            var key = reader.GetString()!;
            var keyPath = ConfigPath.Join(path, key);
            reader.Read();
            var value = Read(ref reader, keySource, keyPath);
            if (map[key] is { } first)
                _mistakes.Add(new Mistake(keySource, keyPath, ConfigErrors.KeyTwice(key, first.Source)));
            else
                map.Set(key, value);
        }

        return map;
    }

    private SourceLocation Here(ref Utf8JsonReader reader)
    {
        var index = _lineStarts.BinarySearch((int)reader.TokenStartIndex);
        return _name == SourceLocation.CommandLine.Name
            ? SourceLocation.CommandLine
            : new SourceLocation(_name, index >= 0 ? index + 1 : ~index);
    }
}
