using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Tessera.Tests.Tools.Architecture;

/// <summary>Lengths of the product's files, types and methods, in lines.</summary>
internal static class Sizes
{
    /// <param name="Name">The file's path, "Type" or "Type.Method".</param>
    /// <param name="Path">From the repository's root.</param>
    public sealed record Part(string Kind, string Name, string Path, int Lines);

    /// <param name="root">The repository.</param>
    public static IEnumerable<Part> Of(string root) =>
        Files(root).SelectMany(path => OfFile(path, Path.GetRelativePath(root, path).Replace('\\', '/')));

    /// <summary>"file:line" of every longer line of the product that no raw text reaches into.</summary>
    public static IEnumerable<string> LongLines(string root, int limit) =>
        from path in Files(root)
        let tree = CSharpSyntaxTree.ParseText(File.ReadAllText(path))
        let raw = tree.GetRoot()
            .DescendantTokens()
            .Where(token => token.IsKind(SyntaxKind.MultiLineRawStringLiteralToken))
            .Select(token => tree.GetLineSpan(token.Span))
            .ToArray()
        from line in tree.GetText().Lines
        where line.Span.Length > limit
        where !raw.Any(text => text.StartLinePosition.Line <= line.LineNumber && line.LineNumber <= text.EndLinePosition.Line)
        select $"{Path.GetRelativePath(root, path)}:{line.LineNumber + 1}";

    private static IEnumerable<string> Files(string root) =>
        new[] { "src", "tools" }
            .SelectMany(folder => Directory.EnumerateFiles(Path.Combine(root, folder), "*.cs", SearchOption.AllDirectories))
            .Where(path => !Path.GetRelativePath(root, path).Split(Path.DirectorySeparatorChar).Any(part => part is "obj" or "bin"));

    private static IEnumerable<Part> OfFile(string path, string name)
    {
        var tree = CSharpSyntaxTree.ParseText(File.ReadAllText(path));
        var root = tree.GetRoot();
        yield return new Part("file", name, name, tree.GetText().Lines.Count);
        foreach (var type in root.DescendantNodes().OfType<TypeDeclarationSyntax>().Where(type => type.Parent is not TypeDeclarationSyntax))
            yield return new Part("type", type.Identifier.Text, name, Lines(type));
        foreach (var method in root.DescendantNodes().OfType<BaseMethodDeclarationSyntax>())
            yield return new Part("method", $"{TypeOf(method)}.{NameOf(method)}", name, Lines(method));
    }

    private static string NameOf(BaseMethodDeclarationSyntax method) =>
        method is MethodDeclarationSyntax named ? named.Identifier.Text : "." + method.Kind();

    private static string TypeOf(SyntaxNode node) => node.Ancestors().OfType<TypeDeclarationSyntax>().First().Identifier.Text;

    // Without the documentation before it.
    private static int Lines(SyntaxNode node)
    {
        var span = node.SyntaxTree.GetLineSpan(node.Span);
        return span.EndLinePosition.Line - span.StartLinePosition.Line + 1;
    }
}
