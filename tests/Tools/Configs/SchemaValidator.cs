using System.Text.Json;
using Json.Schema;
using Json.Schema.Keywords;

namespace Tessera.Tests.Tools.Configs;

/// <summary>Checks documents against configs/schema.json (JSON Schema, draft 2020-12) as editors do.</summary>
/// <exception cref="JsonSchemaException">The schema has a keyword that the draft doesn't, or a keyword's value is wrong.</exception>
internal sealed class SchemaValidator(string schema)
{
    private readonly JsonSchema _schema = JsonSchema.FromText(schema, Strict());

    /// <summary>What an editor would underline, as "$.path: what"; empty for a valid document.</summary>
    /// <exception cref="RefResolutionException">A reference of the schema leads nowhere.</exception>
    public IEnumerable<string> Mistakes(JsonElement value)
    {
        var result = _schema.Evaluate(value, new EvaluationOptions { OutputFormat = OutputFormat.Hierarchical });
        var mistakes = Mistakes(result).Select(mistake => $"{mistake.Path}: {mistake.What}").ToList();
        Assert.Equal(result.IsValid, mistakes.Count == 0);
        return mistakes;
    }

    /// <summary>Draft 2020-12, but a keyword that it doesn't know is an error, and so is "format", which it checks nowhere by
    /// default.</summary>
    private static BuildOptions Strict()
    {
        Vocabulary[] vocabularies =
        [
            Vocabulary.Draft202012_Core,
            Vocabulary.Draft202012_Applicator,
            Vocabulary.Draft202012_Validation,
            Vocabulary.Draft202012_MetaData,
        ];
        // 8.0.5's applicators have "if" and "else" and lack "then".
        var keywords = vocabularies
            .SelectMany(vocabulary => vocabulary.Keywords)
            .Append(ThenKeyword.Instance)
            .DistinctBy(keyword => keyword.Name);
        var dialect = new Dialect(keywords) { Id = Dialect.Draft202012.Id, AllowUnknownKeywords = false };
        var dialects = new DialectRegistry();
        dialects.Register(dialect);
        return new BuildOptions
        {
            DialectRegistry = dialects,
            Dialect = dialect,
            SchemaRegistry = new SchemaRegistry(),
        };
    }

    /// <summary>Of alternatives, all of which fail, the one that fails deepest, then with the fewest mistakes, is taken for the one that
    /// was meant.</summary>
    private static List<(string Path, int Depth, string What)> Mistakes(EvaluationResults result)
    {
        if (result.IsValid)
            return [];
        var path =
            "$"
            + string.Concat(
                result.InstanceLocation.ToString().Split('/').Skip(1).Select(name => int.TryParse(name, out _) ? $"[{name}]" : $".{name}")
            );
        var depth = path.Count(character => character is '.' or '[');
        List<(string Path, int Depth, string What)> found =
        [
            .. (result.Errors ?? []).Select(error => (path, depth, $"{error.Key} {error.Value}")),
        ];
        foreach (var group in (result.Details ?? []).GroupBy(Keyword))
        {
            if (group.Key is "if" || (group.Key is ("anyOf" or "oneOf") && group.Any(one => one.IsValid)))
                continue; // these may fail in a valid document
            var parts = group.Select(Mistakes).Where(mistakes => mistakes.Count > 0);
            if (group.Key is "anyOf" or "oneOf")
                parts = parts
                    .OrderByDescending(mistakes => mistakes.Max(mistake => mistake.Depth))
                    .ThenBy(mistakes => mistakes.Count)
                    .Take(1);
            found.AddRange(parts.SelectMany(mistakes => mistakes));
        }
        return found.Count > 0 ? found : [(path, depth, "is not valid")];

        string Keyword(EvaluationResults one) => one.EvaluationPath.ToString()[result.EvaluationPath.ToString().Length..].Split('/')[1];
    }
}
