using System.Text;
using Tessera.Framework.Errors;

namespace Tessera.Framework.Configuration;

/// <summary>One mistake of the user's in a config.</summary>
/// <param name="Source">Where it was written.</param>
/// <param name="Path">The config path, empty for a whole file.</param>
/// <param name="Text">What was wrong, what was expected, what is near; one or more lines.</param>
public sealed record Mistake(SourceLocation Source, string Path, string Text);

/// <summary>Collects mistakes, so that all are reported at once.</summary>
public sealed class MistakeList
{
    private readonly List<Mistake> _mistakes = [];
    private readonly List<string> _files = [];

    public IReadOnlyList<Mistake> Mistakes => _mistakes;

    /// <summary>The files of the config, that named on the command line first: mistakes are sorted in this order.</summary>
    public IReadOnlyList<string> Files => _files;

    public void AddFile(string path)
    {
        if (!_files.Contains(path))
            _files.Add(path);
    }

    public void Add(Mistake mistake)
    {
        if (!_mistakes.Contains(mistake))
            _mistakes.Add(mistake);
    }

    /// <summary>Throws one <see cref="UserErrorException"/> with every mistake, if there are any.</summary>
    public void ThrowIfAny()
    {
        if (_mistakes.Count > 0)
            throw new UserErrorException(ToString());
    }

    /// <summary>The report: <c>file:line  path   (a base of …)</c>, the text indented below; in file and line order.</summary>
    public override string ToString()
    {
        var report = new StringBuilder();
        foreach (var mistake in _mistakes.OrderBy(Order).ThenBy(mistake => mistake.Source.Line))
        {
            if (report.Length > 0)
                report.Append("\n\n");
            report.Append(mistake.Source);
            if (mistake.Path.Length > 0)
                report.Append("  ").Append(mistake.Path);
            if (mistake.Source.IsFile && _files.Count > 0 && mistake.Source.Name != _files[0])
                report.Append("   (a base of ").Append(Path.GetFileName(_files[0])).Append(')');
            foreach (var line in mistake.Text.Split('\n'))
                report.Append("\n  ").Append(line);
        }

        return report.ToString();
    }

    private int Order(Mistake mistake)
    {
        var index = _files.IndexOf(mistake.Source.Name);
        return index < 0 ? int.MaxValue : index;
    }
}
