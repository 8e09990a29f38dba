namespace Tessera.Framework.Plugins;

/// <summary>What MSBuild is told of a plugin: the assemblies that run, and the usings of a single source file.</summary>
internal static class PluginProject
{
    private static readonly string[] GlobalUsings =
    [
        "System.ComponentModel.DataAnnotations",
        "Tessera.Framework.Components",
        "Tessera.Framework.Configuration",
        "Tessera.Framework.Errors",
        "Tessera.Framework.Models",
        "TorchSharp",
        "TorchSharp.Modules",
    ];

    private static readonly string[] StaticUsings = ["TorchSharp.torch", "TorchSharp.torch.nn"];

    /// <summary>The project of a single source file.</summary>
    public static string OfFile(string path) =>
        $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <TargetFramework>net{Environment.Version.Major}.0</TargetFramework>
                <Nullable>enable</Nullable>
                <ImplicitUsings>enable</ImplicitUsings>
                <AllowUnsafeBlocks>true</AllowUnsafeBlocks>
                <GenerateDocumentationFile>true</GenerateDocumentationFile>
                <NoWarn>CS1591;CS1573;CS1572</NoWarn>
                <EnableDefaultCompileItems>false</EnableDefaultCompileItems>
                <DebugType>embedded</DebugType>
              </PropertyGroup>
              <ItemGroup>
                <Compile Include="{Escape(path)}" />
            {Lines(GlobalUsings.Select(name => $"""<Using Include="{name}" />"""))}
            {Lines(StaticUsings.Select(name => $"""<Using Include="{name}" Static="true" />"""))}
              </ItemGroup>
            {References()}
            </Project>
            """;

    /// <summary>What is added to a plugin's own project: references to what runs, unless it refers to projects.</summary>
    public static string Targets() => $"<Project>\n{References("'@(ProjectReference)' == ''")}\n{GiveWay()}\n</Project>\n";

    private static string References(string condition = "")
    {
        var references = Running()
            .Select(file =>
                $"""<Reference Include="{Escape(Path.GetFileNameWithoutExtension(file))}" HintPath="{Escape(file)}" Private="false" />"""
            );
        var opening = condition.Length == 0 ? "<ItemGroup>" : $"<ItemGroup Condition=\"{condition}\">";
        return $"  {opening}\n{Lines(references)}\n  </ItemGroup>";
    }

    /// <summary>The assemblies that run and that a plugin may use.</summary>
    public static IEnumerable<string> Running()
    {
        var folder = Path.GetDirectoryName(typeof(PluginProject).Assembly.Location)!;
        string[] patterns = ["Tessera.dll", "Tessera.*.dll", "TorchSharp.dll", "Microsoft.Extensions.*.dll", "NLog.dll"];
        return patterns
            .SelectMany(pattern => Directory.EnumerateFiles(folder, pattern))
            .Where(file =>
                !file.EndsWith(".Tests.dll", StringComparison.Ordinal) && !file.EndsWith("Tessera.Tools.dll", StringComparison.Ordinal)
            )
            .Order(StringComparer.Ordinal);
    }

    // A project may reference the packages of Tessera, so that it builds by itself, too: what runs takes their place, and their native
    // files, 490 MB, aren't copied beside the plugin.
    private static string GiveWay()
    {
        string[] items =
        [
            "ResolvedCompileFileDefinitions",
            "RuntimeCopyLocalItems",
            "RuntimeTargetsCopyLocalItems",
            "NativeCopyLocalItems",
        ];
        var runs = string.Concat(Running().Select(file => Path.GetFileNameWithoutExtension(file) + ";"));
        const string isNative =
            "$([System.Text.RegularExpressions.Regex]::IsMatch('%(NuGetPackageId)', '(?i)^(libtorch|TorchSharp|SkiaSharp)'))";
        return $"""
              <Target Name="WhatRunsComesBeforePackages" AfterTargets="ResolvePackageAssets" Condition="'@(ProjectReference)' == ''">
                <PropertyGroup><WhatRuns>;{Escape(runs)}</WhatRuns></PropertyGroup>
                <ItemGroup>
            {Lines(items.Select(item => $"""<{item} Remove="@({item})" Condition="$(WhatRuns.Contains(';%(Filename);'))" />"""))}
            {Lines(items.Skip(1).Select(item => $"""<{item} Remove="@({item})" Condition="{isNative}" />"""))}
                </ItemGroup>
              </Target>
            """;
    }

    private static string Lines(IEnumerable<string> lines) => string.Join('\n', lines.Select(line => "    " + line));

    private static string Escape(string text) => System.Security.SecurityElement.Escape(text)!;
}
